import { useState } from "preact/hooks";
import type { Outcome } from "../sdk/problem.ts";
import type { Said } from "../sdk/request.ts";
import { useAction } from "../ui/action.ts";
import { Button, Submit } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { Form } from "../ui/form.tsx";
import { problemText } from "../ui/problem-text.ts";
import { toast } from "../ui/toast.tsx";
import { wholeNumberIn } from "../ui/whole-number.ts";
import { useOnce } from "./once.ts";
import { call } from "./person.ts";
import { photoFrom } from "./photo.ts";
import { allProducts, type Product, Thumb } from "./products.tsx";
import { t } from "./texts.ts";

/** Prices are amounts of the ledger. */
const AMOUNT_MAX = 1_000_000_000_000;

type Fields = { readonly sku: string; readonly name: string; readonly category: string; readonly price: string };
type Errors = Partial<Record<keyof Fields | "all", string>>;

const isPrice = (price = 0): boolean => price >= 1 && price <= AMOUNT_MAX;

function errorsIn({ sku, name, category, price }: Fields): Errors {
	const { wrong } = t();
	return {
		...(!/^[A-Za-z0-9._-]{1,40}$/.test(sku.trim()) && { sku: wrong.sku }),
		...(!name.trim() && { name: wrong.name }),
		...(!category.trim() && { category: wrong.category }),
		...(!isPrice(wholeNumberIn(price)) && { price: wrong.price }),
	};
}

const edited = async (said: Said<"store.editProduct">) => {
	const outcome = await call("store.editProduct", said);
	return outcome.ok ? outcome : { ...outcome, text: problemText(outcome.problem) };
};

/** Numbers are given once in a store: what has this one, and all else as it was sent, is what was sent. */
async function sameProduct({ storeId, ...said }: Said<"store.createProduct">): Promise<Outcome<Product | undefined>> {
	const found = await allProducts(storeId, "active");
	if (!found.ok) return found;
	const isSame = (product: Product) =>
		(["sku", "name", "category", "price"] as const).every((field) => product[field] === said[field]);
	return { ...found, value: found.value.find(isSame) };
}

type Props = { readonly storeId: string; readonly product: Product | null; readonly onClose: () => void };

/** A new product, or one that is changed. */
export function ProductDialog({ storeId, product, onClose }: Props) {
	const [now, setNow] = useState(product);
	const [fields, setFields] = useState<Fields>({
		sku: product?.sku ?? "",
		name: product?.name ?? "",
		category: product?.category ?? "",
		price: product ? String(product.price) : "",
	});
	const [errors, setErrors] = useState<Errors>({});
	const set = (name: keyof Fields) => (text: string) => {
		setErrors({});
		setFields((before) => ({ ...before, [name]: text }));
	};
	const once = useOnce();
	const [isConflict, setConflict] = useState(false);
	/** What is there now, beneath what was entered: saved then, it takes its place. */
	const loadNow = async () => {
		if (!now) return;
		const outcome = await call("store.getProduct", { storeId, productId: now.id });
		if (!outcome.ok) return setErrors({ all: problemText(outcome.problem) });
		setNow(outcome.value);
		setConflict(false);
		setErrors({});
		toast(t().conflictLoaded);
	};
	const change = async (state: Product["state"]) => {
		const found = errorsIn(fields);
		if (Object.keys(found).length > 0) return setErrors(found);
		const said = {
			storeId,
			sku: fields.sku.trim(),
			name: fields.name.trim(),
			category: fields.category.trim(),
			price: wholeNumberIn(fields.price) ?? 0,
		};
		const outcome = now
			? await edited({ ...said, productId: now.id, version: now.version, state })
			: await once<unknown>({ create: () => call("store.createProduct", said), find: () => sameProduct(said) });
		if (!outcome.ok) {
			const { problem, text } = outcome;
			setConflict(problem.code === "version_conflict");
			return setErrors(problem.code === "sku_taken" ? { sku: text } : { all: text });
		}
		toast(t().saved);
		onClose();
	};
	const [isSaving, save] = useAction(change);
	const [isSettingPhoto, setPhoto] = useAction(async (file: File | null) => {
		const photo = file && ((await photoFrom(file)) ?? null);
		if (!now || (file && !photo)) return toast(t().photoWrong, "danger");
		const outcome = await call("store.setPhoto", { storeId, productId: now.id, photo });
		if (outcome.ok) setNow(outcome.value);
		else toast(problemText(outcome.problem), "danger");
	});
	const isBusy = isSaving || isSettingPhoto;
	return (
		<Dialog title={product ? t().edit : t().add} isBusy={isBusy} onClose={onClose}>
			<Form
				noValidate
				onSubmit={() => {
					if (!isBusy) save(now?.state ?? "active");
				}}
			>
				{now && <Photo product={now} isBusy={isSettingPhoto} onChoose={(file) => !isBusy && setPhoto(file)} />}
				{errors.all && (
					<div class="notice danger" role="alert">
						<span>{errors.all}</span>
						{isConflict && (
							<Button class="small-button" onPress={loadNow}>
								{t().conflictLoad}
							</Button>
						)}
					</div>
				)}
				<Field label={t().productName} value={fields.name} maxLength={80} error={errors.name} onText={set("name")} />
				<Field
					label={t().price}
					value={fields.price}
					inputMode="numeric"
					maxLength={17}
					error={errors.price}
					onText={set("price")}
				/>
				<Field
					label={t().category}
					value={fields.category}
					maxLength={40}
					error={errors.category}
					onText={set("category")}
				/>
				<Field
					label={t().sku}
					hint={t().skuHint}
					value={fields.sku}
					maxLength={40}
					autoCapitalize="none"
					error={errors.sku}
					onText={set("sku")}
				/>
				<Submit isBusy={isBusy}>{t().save}</Submit>
				{now && (
					<Button isDisabled={isBusy} onPress={() => save(now.state === "active" ? "archived" : "active")}>
						{now.state === "active" ? t().archive : t().unarchive}
					</Button>
				)}
				<Button look="quiet" isDisabled={isBusy} onPress={onClose}>
					{t().cancel}
				</Button>
			</Form>
		</Dialog>
	);
}

type PhotoProps = {
	readonly product: Product;
	readonly isBusy: boolean;
	/** @param file none: without a photo */
	readonly onChoose: (file: File | null) => void;
};

function Photo({ product, isBusy, onChoose }: PhotoProps) {
	return (
		<div class="row photo">
			<Thumb product={product} />
			<label class="button" aria-busy={isBusy}>
				{isBusy && <span class="spinner" />}
				{t().choosePhoto}
				<input
					type="file"
					accept="image/*"
					class="hidden-text"
					onChange={({ currentTarget }) => {
						const [file] = currentTarget.files ?? [];
						if (file) onChoose(file);
						currentTarget.value = "";
					}}
				/>
			</label>
			{product.photoId && <Button onPress={() => onChoose(null)}>{t().removePhoto}</Button>}
		</div>
	);
}
