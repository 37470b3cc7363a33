import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../ui/icon.tsx";
import { t } from "./texts.ts";

type State = "starting" | "on" | "off";
type Facing = "environment" | "user";

const FACING = "hannip.till.camera";
/** Long enough for a code to be moved into the picture, short enough that nobody notices. */
const LOOK_EVERY_MS = 80;
/** More points than that take longer and read no more. */
const WIDTH_MAX = 960;

/** Looks for a QR code until it has one. @param onCode told of each other code that comes into the picture */
export function Camera({ onCode }: { readonly onCode: (text: string) => void }) {
	const video = useRef<HTMLVideoElement>(null);
	const told = useRef(onCode);
	told.current = onCode;
	const [state, setState] = useState<State>("starting");
	const [facing, setFacing] = useState<Facing>(localStorage.getItem(FACING) === "user" ? "user" : "environment");

	useEffect(() => {
		const stopping = new AbortController();
		setState("starting");
		watch(video.current as HTMLVideoElement, { facing, signal: stopping.signal }, (code) => told.current(code)).then(
			() => stopping.signal.aborted || setState("on"),
			() => stopping.signal.aborted || setState("off"),
		);
		return () => stopping.abort();
	}, [facing]);

	const turn = () => {
		const next = facing === "user" ? "environment" : "user";
		localStorage.setItem(FACING, next);
		setFacing(next);
	};
	return (
		<div class={`camera ${state} ${facing}`}>
			<video ref={video} muted playsInline aria-label={t().camera} />
			<div class="aim" />
			{state !== "on" && (
				<p class="camera-text" role="status">
					{state === "starting" ? t().cameraStarting : t().cameraOff}
				</p>
			)}
			{state === "on" && (
				<button type="button" class="button round turn" aria-label={t().switchCamera} onClick={turn}>
					<Icon name="refund" />
				</button>
			)}
		</div>
	);
}

type How = { readonly facing: Facing; readonly signal: AbortSignal };

/** Resolves when the picture is there; the camera is let go at the signal. */
async function watch(video: HTMLVideoElement, { facing, signal }: How, onCode: (text: string) => void): Promise<void> {
	const { decoder } = await import("./decode.ts");
	const [stream, decode] = await Promise.all([
		navigator.mediaDevices.getUserMedia({
			video: { facingMode: facing, width: { ideal: 1_280 }, height: { ideal: 720 } },
			audio: false,
		}),
		decoder(),
	]);
	const stop = () => {
		for (const track of stream.getTracks()) track.stop();
	};
	if (signal.aborted) return stop();
	signal.addEventListener("abort", stop, { once: true });
	video.srcObject = stream;
	await video.play();
	const canvas = new OffscreenCanvas(1, 1);
	const context = canvas.getContext("2d", { willReadFrequently: true }) as OffscreenCanvasRenderingContext2D;
	let last = "";
	const look = async () => {
		const picture = pictureOf(video, context);
		const code = picture && (await decode(picture).catch(() => undefined));
		if (signal.aborted) return;
		if (code && code !== last) {
			last = code;
			onCode(code);
		}
		setTimeout(look, LOOK_EVERY_MS);
	};
	void look();
}

function pictureOf(video: HTMLVideoElement, context: OffscreenCanvasRenderingContext2D): ImageData | undefined {
	if (video.videoWidth === 0) return undefined;
	const scale = Math.min(1, WIDTH_MAX / video.videoWidth);
	const [width, height] = [Math.round(video.videoWidth * scale), Math.round(video.videoHeight * scale)];
	const { canvas } = context;
	if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
	context.drawImage(video, 0, 0, width, height);
	return context.getImageData(0, 0, width, height);
}
