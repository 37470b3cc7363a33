import { randomInt } from "node:crypto";
import { operatorToken } from "../stopped-ledger.ts";
import { createBooks } from "./books.ts";
import { createClient, NoAnswer } from "./client.ts";
import { payOut, readReport } from "./closing.ts";
import type { Day, Person, Shop, Sold } from "./day.ts";
import { plural } from "./display.ts";
import { refundSome, refundTooMuch, sendCredit } from "./giving-back.ts";
import { cancelFirst, loseReply } from "./lost-replies.ts";
import {
	chargeEveryone,
	importProducts,
	lookAtPlatform,
	NotReachable,
	openStore,
	readCatalogue,
	readProductList,
	waitForPlatform,
} from "./opening.ts";
import { help, type Options, OptionsError, readOptions } from "./options.ts";
import { comeIn, customersOf, ownerOf, signUp } from "./people.ts";
import { createQrFacts } from "./qr.ts";
import { createRandom } from "./random.ts";
import { audit, compareBalances } from "./reckoning.ts";
import { alterCode, buyTooMuch, repeatSale, reuseCode, reuseKey } from "./refusals.ts";
import { sellAll } from "./selling.ts";
import { customerStatement, exportStatement, storeStatement } from "./statements.ts";
import { createSteps, need } from "./steps.ts";
import { printSummary } from "./summary.ts";
import { createTerminal, print, styled } from "./terminal.ts";

function planDay(options: Options): Day {
	const screen = createTerminal();
	return {
		options,
		screen,
		// The audit's port may be out of reach; without the public one nothing can be played.
		steps: createSteps(screen, (error) => error instanceof NoAnswer && error.baseUrl === options.url),
		random: createRandom(options.seed),
		books: createBooks(),
		qr: createQrFacts(),
		guest: createClient(options.url),
		operator: createClient(options.internalUrl, { operatorToken: operatorToken() ?? "" }),
		suffix: randomInt(36 ** 6)
			.toString(36)
			.padStart(6, "0"),
	};
}

function act(title: string): void {
	print();
	print(styled("bold", title));
}

/** Nothing of the day can be played without people and a store. */
class CannotGoOn extends Error {}

async function openShop(day: Day): Promise<Shop> {
	const { steps } = day;
	act("Morning: the shop opens");
	await steps.play("The platform answers", (step) => lookAtPlatform(day, step));
	const { owner, customers } = await gatherPeople(day);
	const store = await steps.play("Open the store", (step) => openStore(owner, step));
	if (store === null) throw new CannotGoOn("Without a store there is no day.");
	const importing = { owner, storeId: store.id, list: readProductList() };
	const lines = importing.list.rows.length;
	await steps.play(`Import ${lines} products from CSV`, (step) =>
		importProducts(step, importing, { created: lines, updated: 0, unchanged: 0 }),
	);
	await steps.play("Import the same file again", (step) =>
		importProducts(step, importing, { created: 0, updated: 0, unchanged: lines }),
	);
	const products = await steps.play("Read the product list back", (step) => readCatalogue(step, importing));
	if (!products?.length) throw new CannotGoOn("Without products there is nothing to sell.");
	return { storeId: store.id, timeZone: store.timeZone, owner, customers, products };
}

async function gatherPeople(day: Day): Promise<{ owner: Person; customers: readonly Person[] }> {
	const drafts = [ownerOf(day), ...customersOf(day)];
	const signedUp = await day.steps.play(`Sign up an owner and ${drafts.length - 1} customers`, (step) => {
		step.say(`handles end in .${day.suffix}`);
		return step.each(drafts, (person) => signUp(day, person));
	});
	const people = await day.steps.play("Everyone logs in", (step) => {
		step.say(plural(drafts.length, "session"));
		return step.each(signedUp ?? [], (person) => comeIn(day, person));
	});
	const [owner, ...customers] = people ?? [];
	if (owner?.handle !== drafts[0]?.handle || owner === undefined || customers.length < 2)
		throw new CannotGoOn("Without the owner and two customers there is no day.");
	return { owner, customers };
}

async function trade(day: Day, shop: Shop): Promise<readonly Sold[]> {
	const { steps } = day;
	act("Noon: people buy");
	await steps.play("Everyone charges credit", (step) => chargeEveryone(day, step, shop));
	const sold = (await steps.play(`Sell ${day.options.sales} baskets`, (step) => sellAll(day, step, shop))) ?? [];
	const first = () => need(sold[0], "no sale went through");
	const part = Math.ceil((sold[0]?.basket.total ?? 0) / 3);
	await steps.play("Refund a part of a sale", (step) =>
		refundSome(day, step, shop, { sold: first(), amount: part, already: 0 }),
	);
	await steps.play("Refund the rest of it", (step) => refundSome(day, step, shop, { sold: first(), already: part }));
	await steps.play("Refund once more", (step) => refundTooMuch(day, step, shop, first()));
	const [from, to] = shop.customers;
	await steps.play("Send credit to a friend", (step) =>
		sendCredit(day, step, { from: need(from, "no customer"), to: need(to, "no second customer") }),
	);
	return sold;
}

async function misbehave(day: Day, shop: Shop, sold: readonly Sold[]): Promise<void> {
	const { steps } = day;
	act("Afternoon: things go wrong");
	const last = () => need(sold.at(-1), "no sale went through");
	const customer = () => need(shop.customers.at(-1), "no customer");
	await steps.play("Repeat a sale with the same key", (step) => repeatSale(day, step, shop, last()));
	await steps.play("The same key, another basket", (step) => reuseKey(day, step, shop, last()));
	await steps.play("A used code again", (step) => reuseCode(day, step, shop, last()));
	await steps.play("An altered code", (step) => alterCode(day, step, shop, customer()));
	await steps.play("A basket above the balance", (step) => buyTooMuch(day, step, shop, customer()));
	await steps.play("Cut the reply, ask for the outcome", (step) => loseReply(day, step, shop, customer()));
	await steps.play("Cancel before the sale arrives", (step) => cancelFirst(day, step, shop, customer()));
}

async function closeShop(day: Day, shop: Shop, openedMs: number): Promise<void> {
	const { steps } = day;
	act("Evening: the shop closes");
	await steps.play("The day's report", (step) => readReport(day, step, shop, openedMs));
	await steps.play("Pay out a part", (step) => payOut(day, step, shop, openedMs));
	const person = need(shop.customers[0], "no customer");
	const lines = await steps.play(`${person.displayName}'s statement`, (step) => customerStatement(day, step, person));
	await steps.play("The same as CSV", (step) =>
		exportStatement(step, person, need(lines, "no statement to compare with")),
	);
	await steps.play("The store's statement", (step) => storeStatement(day, step, shop));
}

async function reckon(day: Day, shop: Shop): Promise<void> {
	act("Night: does it add up?");
	await day.steps.play("Everyone's balance", (step) => compareBalances(day, step, shop));
}

async function playDay(day: Day): Promise<void> {
	const openedMs = Date.now();
	const shop = await openShop(day);
	const sold = await trade(day, shop);
	await misbehave(day, shop, sold);
	await closeShop(day, shop, openedMs);
	await reckon(day, shop);
}

/** Whatever became of the day, the ledger must be sound. @returns whether everything held */
async function playAll(day: Day): Promise<boolean> {
	const { options, steps } = day;
	await waitForPlatform(day).finally(() => day.screen.clear());
	print(`${styled("bold", "Hannip 한닢")}  a shop's day at ${options.url}  (--seed ${options.seed})`);
	let stopped = false;
	await playDay(day).catch((error: unknown) => {
		if (!(error instanceof CannotGoOn || error instanceof NoAnswer)) throw error;
		stopped = true;
		print();
		print(`  ${styled("red", error instanceof NoAnswer ? "The platform does not answer any more." : error.message)}`);
	});
	const found = await steps.play("Audit the whole ledger", (step) => audit(day, step));
	printSummary(day, found);
	const failed = steps.played.filter(({ failures }) => failures.length > 0).length;
	const held = !stopped && failed === 0;
	print(
		held
			? styled("green", "  Every step and the audit hold.")
			: styled("red", `  ${failed} of ${steps.played.length} steps failed.`),
	);
	return held;
}

async function main(): Promise<void> {
	const options = readOptions(process.argv.slice(2));
	if (options.help) return print(help);
	process.exitCode = (await playAll(planDay(options))) ? 0 : 1;
}

main().catch((error: unknown) => {
	const expected = error instanceof NotReachable || error instanceof OptionsError;
	console.error(`demo: ${expected ? error.message : (error as Error).stack}`);
	process.exitCode = 1;
});
