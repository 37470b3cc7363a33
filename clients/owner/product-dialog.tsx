import { useState } from "preact/hooks";
import { useAction } from "../ui/action.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { problemText } from "../ui/problem-text.ts";
import { toast } from "../ui/toast.tsx";
import { call } from "./person.ts";
import { photoFrom } from "./photo.ts";
import { type Product, Thumb } from "./products.tsx";
import { t } from "./texts.ts";

type Fields = { readonly sku: string; readonly name: string; readonly category: string; readonly price: string };
type Errors = Partial<Record<keyof Fields | "all", string>>;

function errorsIn({ sku, name, category, price }: Fields): Errors {
	const { wrong } = t();
	return {
		...(!/^[A-Za-z0-9._-]{1,40}$/.test(sku.trim()) && { sku: wrong.sku }),
		...(!name.trim() && { name: wrong.name }),
		...(!category.trim() && { category: wrong.category }),
		...(!/^[1-9]\d{0,12}$/.test(price.trim()) && { price: wrong.price }),
	};
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
	const change = async (state: Product["state"]) => {
		const found = errorsIn(fields);
		if (Object.keys(found).length > 0) return setErrors(found);
		const said = {
			storeId,
			sku: fields.sku.trim(),
			name: fields.name.trim(),
			category: fields.category.trim(),
			price: Number(fields.price),
		};
		const outcome = now
			? await call("store.editProduct", { ...said, productId: now.id, version: now.version, state })
			: await call("store.createProduct", said);
		if (!outcome.ok) {
			const text = problemText(outcome.problem);
			return setErrors(outcome.problem.code === "sku_taken" ? { sku: text } : { all: text });
		}
		toast(t().saved);
		onClose();
	};
	const [isBusy, save] = useAction(() => change(now?.state ?? "active"));
	return (
		<Dialog title={product ? t().edit : t().add} onClose={onClose}>
			<form
				class="stack"
				noValidate
				onSubmit={(event) => {
					event.preventDefault();
					save();
				}}
			>
				{now && <Photo storeId={storeId} product={now} onProduct={setNow} />}
				{errors.all && (
					<p class="notice danger" role="alert">
						{errors.all}
					</p>
				)}
				<Field label={t().productName} value={fields.name} maxLength={80} error={errors.name} onText={set("name")} />
				<Field
					label={t().price}
					value={fields.price}
					inputMode="numeric"
					maxLength={13}
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
				<button type="submit" class="button primary wide large" aria-busy={isBusy} aria-disabled={isBusy}>
					{isBusy && <span class="spinner" />}
					{t().save}
				</button>
				{now && (
					<Button onPress={() => change(now.state === "active" ? "archived" : "active")}>
						{now.state === "active" ? t().archive : t().unarchive}
					</Button>
				)}
				<Button look="quiet" onPress={onClose}>
					{t().cancel}
				</Button>
			</form>
		</Dialog>
	);
}

type PhotoProps = {
	readonly storeId: string;
	readonly product: Product;
	readonly onProduct: (product: Product) => void;
};

function Photo({ storeId, product, onProduct }: PhotoProps) {
	const set = async (photo: string | null) => {
		const outcome = await call("store.setPhoto", { storeId, productId: product.id, photo });
		if (outcome.ok) onProduct(outcome.value);
		else toast(problemText(outcome.problem), "danger");
	};
	const [isBusy, choose] = useAction(async (file: File) => {
		const photo = await photoFrom(file);
		if (photo) await set(photo);
		else toast(t().photoWrong, "danger");
	});
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
						if (file) choose(file);
						currentTarget.value = "";
					}}
				/>
			</label>
			{product.photoId && <Button onPress={() => set(null)}>{t().removePhoto}</Button>}
		</div>
	);
}
