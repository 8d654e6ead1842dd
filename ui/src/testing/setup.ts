import { configure } from "@testing-library/svelte";

// A test waits for what it expects; only a busy machine comes near this.
configure({ asyncUtilTimeout: 60_000 });

// happy-dom has no layout: to these tests everything is in view.
class SeeingIntersectionObserver {
  constructor(
    readonly told: (entries: { isIntersecting: boolean }[]) => void,
  ) {}
  observe() {
    queueMicrotask(() => this.told([{ isIntersecting: true }]));
  }
  unobserve() {}
  disconnect() {}
}
globalThis.IntersectionObserver = SeeingIntersectionObserver as never;

// Nor has it these two browser interfaces; the components need only their shape.
class SilentResizeObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}
globalThis.ResizeObserver ??= SilentResizeObserver as never;
Element.prototype.scrollIntoView ??= () => {};
