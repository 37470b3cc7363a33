let context: AudioContext | undefined;

/** Browsers let a page sound once it was touched. */
export function readySound(): void {
	context ??= new AudioContext();
	void context.resume();
}

/** Two notes, as a coin on a counter, and a short shake: paid, without looking. */
export function chime(): void {
	navigator.vibrate?.([60, 40, 120]);
	if (context?.state !== "running") return;
	for (const [hertz, afterS] of [
		[1_318.5, 0],
		[1_975.5, 0.09],
	] as const) {
		const startS = context.currentTime + afterS;
		const tone = new OscillatorNode(context, { type: "sine", frequency: hertz });
		const loudness = new GainNode(context, { gain: 0 });
		loudness.gain.setValueAtTime(0.0001, startS);
		loudness.gain.exponentialRampToValueAtTime(0.25, startS + 0.01);
		loudness.gain.exponentialRampToValueAtTime(0.0001, startS + 0.6);
		tone.connect(loudness).connect(context.destination);
		tone.start(startS);
		tone.stop(startS + 0.65);
	}
}
