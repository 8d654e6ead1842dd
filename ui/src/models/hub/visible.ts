// Tells once when an element comes into view.
import type { Attachment } from "svelte/attachments";

/** `ahead` pixels before it is there. Where the browser cannot tell, it is taken to be in view. */
export function whenVisible(run: () => void, ahead = 0): Attachment {
  return (element) => {
    if (typeof IntersectionObserver === "undefined") {
      run();
      return;
    }
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) {
          observer.disconnect();
          run();
        }
      },
      { root: scrollParent(element), rootMargin: `${ahead}px 0px` },
    );
    observer.observe(element);
    return () => observer.disconnect();
  };
}

/** Margins count only from the element that scrolls. */
function scrollParent(element: Element): Element | null {
  return element.parentElement?.closest("[role=region]") ?? null;
}
