export { Loaded, useLoaded } from "../ui/loaded.tsx";
