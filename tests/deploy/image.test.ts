import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "../../scripts/cluster/processes.ts";
import { LocalImages } from "../../scripts/deploy/local-images.ts";
import { describeWith } from "./with-parts.ts";

const root = join(import.meta.dirname, "../..");
const SIZE_BYTES_MAX = 220e6;
/** What the image without a shell that stands in the Dockerfile is larger by than what stands for it here: time zones, OpenSSL, Debian's own files. */
const RUNTIME_BYTES = 25e6;

describeWith(["podman", "runc"], "the image", () => {
	let images: LocalImages;
	let image: ReturnType<LocalImages["build"]>;
	before(() => {
		images = new LocalImages();
		images.makeBases();
		image = images.build(execFileSync("git", ["rev-parse", "HEAD"], { cwd: root, encoding: "utf8" }).trim());
	});
	after(() => images?.remove());

	it("is built from the Dockerfile, by the script that Jenkins calls, and no larger than 220 MB", () => {
		const [sizeBytes, user, volumes] = images
			.podman("image", "inspect", "--format", "{{.Size}} {{.Config.User}} {{.Config.Volumes}}", image.reference)
			.split(" ");
		assert.ok(Number(sizeBytes) > 100e6 && Number(sizeBytes) + RUNTIME_BYTES <= SIZE_BYTES_MAX, `${sizeBytes} bytes`);
		assert.equal(user, "1000:1000");
		assert.equal(volumes, "map[/data:{}]");
	});

	it("has no shell, no npm, and nothing that only builds and tests", () => {
		const list = `const {existsSync} = require("node:fs"); console.log(["/bin/sh", "/usr/local/lib/node_modules", "/app/scripts", "/app/clients/wallet",
			"/app/node_modules/vite", "/app/node_modules/typescript", "/app/node_modules/node"].filter((path) => existsSync(path)).join(" "))`;
		assert.equal(images.podman("run", "--rm", image.reference, "node", "-e", list), "");
	});

	it("carries a shop's day, as nobody, with no rights, on a root that is not written to", async () => {
		const [PORT = 0, INTERNAL_PORT = 0, PROBE_PORT = 0] = await freePorts(3);
		const OPERATOR_TOKEN = randomBytes(32).toString("base64url");
		const [url, internal] = [PORT, INTERNAL_PORT].map((port) => `http://127.0.0.1:${port}`);
		const id = images.start(image.reference, {
			...{ PORT: `${PORT}`, INTERNAL_PORT: `${INTERNAL_PORT}`, PROBE_PORT: `${PROBE_PORT}`, HOST: "127.0.0.1" },
			...{ PUBLIC_ORIGIN: String(url), OPERATOR_TOKEN },
		});
		const isReady = () =>
			fetch(`http://127.0.0.1:${PROBE_PORT}/ready`).then(
				({ ok }) => ok,
				() => false,
			);
		for (let tries = 0; !(await isReady()); tries++) {
			assert.ok(tries < 300, images.podman("logs", id));
			await sleep(200);
		}
		const written = `try { require("node:fs").writeFileSync("/app/x", ""); console.log("written") } catch ({code}) { console.log(process.getuid(), code) }`;
		assert.equal(images.podman("exec", id, "node", "-e", written), "1000 EROFS");

		const args = ["scripts/demo/demo.ts", "--url", String(url), "--internal-url", String(internal)];
		const child = spawn(process.execPath, [...args, "--sales", "8", "--customers", "4"], {
			cwd: root,
			env: { ...process.env, OPERATOR_TOKEN },
			stdio: ["ignore", "pipe", "inherit"],
		});
		let said = "";
		child.stdout.on("data", (text) => (said += text));
		const [code] = await once(child, "exit");
		assert.equal(code, 0, said + images.podman("logs", id));
		assert.match(said, /clean: \d+ transfers/);

		images.podman("stop", "--time", "20", id);
		assert.equal(images.podman("inspect", "--format", "{{.State.ExitCode}}", id), "0", "it ends when it is told to");
	});

	it("is the same one when it is built again", () => {
		images.forget(image.reference);
		assert.equal(images.build(image.reference.split(":").at(-1) ?? "").digest, image.digest);
	});
});
