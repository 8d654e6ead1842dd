// A question that must be answered before something is done.
export type Question = {
  title: string;
  text: string;
  yes: string;
  no: string;
};

export class Confirm {
  question = $state.raw<Question | null>(null);
  #answer: (yes: boolean) => void = () => {};

  /** Resolves to what the person says; a new question takes the place of an open one. */
  ask(question: Question): Promise<boolean> {
    this.#answer(false);
    this.question = question;
    return new Promise((resolve) => (this.#answer = resolve));
  }

  answer(yes: boolean) {
    this.question = null;
    this.#answer(yes);
    this.#answer = () => {};
  }
}
