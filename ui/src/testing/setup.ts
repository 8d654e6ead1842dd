import { configure } from "@testing-library/svelte";

// A test waits for what it expects; only a busy machine comes near this.
configure({ asyncUtilTimeout: 60_000 });

// happy-dom has neither layout nor these two browser interfaces; the components need only their shape.
class SilentResizeObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}
globalThis.ResizeObserver ??= SilentResizeObserver as never;
Element.prototype.scrollIntoView ??= () => {};
