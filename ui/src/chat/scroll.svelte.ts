// The one owner of the thread's scrolling: it follows the reply as long as the reader is at its end.

/** Closer to the end than this counts as being there. */
const NEAR_PX = 32;

export class ThreadScroll {
  atEnd = $state(true);
  #viewport: HTMLElement | null = null;
  #lastTop = 0;
  #held = false;

  /** An attachment for the element that scrolls; its first child is what grows. */
  attach = (viewport: HTMLElement) => {
    this.#viewport = viewport;
    const onScroll = () => this.#onScroll();
    viewport.addEventListener("scroll", onScroll, { passive: true });
    const growth = new ResizeObserver(() => {
      if (this.#held) {
        this.#held = false;
        this.#measure();
      } else if (this.atEnd) {
        this.toEnd();
      }
    });
    growth.observe(viewport);
    if (viewport.firstElementChild) {
      growth.observe(viewport.firstElementChild);
    }
    this.toEnd();
    return () => {
      viewport.removeEventListener("scroll", onScroll);
      growth.disconnect();
      this.#viewport = null;
    };
  };

  /** Goes to the newest words and follows them from now on. */
  toEnd() {
    this.atEnd = true;
    if (this.#viewport) {
      this.#viewport.scrollTop = this.#viewport.scrollHeight;
      this.#lastTop = this.#viewport.scrollTop;
    }
  }

  /** Stays in place when the thread next grows: the reader opens or closes something in it. */
  hold() {
    this.#held = true;
  }

  #measure() {
    const viewport = this.#viewport;
    if (viewport) {
      this.atEnd = leftBelow(viewport) <= NEAR_PX;
    }
  }

  #onScroll() {
    const viewport = this.#viewport;
    if (!viewport) {
      return;
    }
    if (leftBelow(viewport) <= NEAR_PX) {
      this.atEnd = true;
    } else if (viewport.scrollTop < this.#lastTop) {
      // Only a movement upwards is the reader's; growth alone never moves up.
      this.atEnd = false;
    }
    this.#lastTop = viewport.scrollTop;
  }
}

function leftBelow(viewport: HTMLElement): number {
  return viewport.scrollHeight - viewport.scrollTop - viewport.clientHeight;
}
