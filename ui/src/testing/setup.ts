// happy-dom has neither layout nor these two browser interfaces; the components need only their shape.
class SilentResizeObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}
globalThis.ResizeObserver ??= SilentResizeObserver as never;
Element.prototype.scrollIntoView ??= () => {};
