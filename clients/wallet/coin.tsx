/** The old coin with its square hole, from which Hannip has its name: 한 닢. */
export function Coin() {
	return (
		<svg class="coin" viewBox="0 0 64 64" aria-hidden="true" fill="currentColor">
			{/* A disc with a hole, and in it the grooves of a rim and of a frame around the hole. */}
			<path
				fill-rule="evenodd"
				d="M32 2a30 30 0 1 1 0 60a30 30 0 1 1 0-60zM32 6.5a25.5 25.5 0 1 0 0 51a25.5 25.5 0 1 0 0-51zM32 9a23 23 0 1 1 0 46a23 23 0 1 1 0-46zM20.5 20.5v23h23v-23zM23 23h18v18H23zM26 26v12h12V26z"
			/>
		</svg>
	);
}
