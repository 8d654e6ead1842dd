// What the scripted backend holds and says.
import { DEFAULT_PREFERENCES } from "../machine/preferences";
import { DEFAULT_SAMPLING } from "../settings/sampling";
import type { Message, ReplyStats, Settings } from "./bindings";

export const fakeSettings: Settings = {
  theme: "system",
  modelId: "a1",
  sampling: DEFAULT_SAMPLING,
  systemPrompt: "You are a helpful assistant.",
  maxTokens: null,
  contextLength: null,
  threads: null,
  cacheType: "f16",
  hubEndpoint: null,
  proxy: null,
  downloadLimitBytesPerSecond: null,
  preferences: DEFAULT_PREFERENCES,
};

/** Whether there is neither a chat nor a model yet. */
export const isBare = (scenario: string) =>
  ["first-run", "starter", "card-first-run"].includes(scenario);

export const fakeStats: ReplyStats = {
  stopReason: "end_of_turn",
  promptTokens: 1612,
  reusedTokens: 1204,
  replyTokens: 211,
  timeToFirstTokenMs: 162,
  prefillTokensPerSecond: 412.5,
  decodeTokensPerSecond: 38.42,
  contextLength: 8192,
  droppedMessages: 0,
  draftedTokens: 0,
  acceptedTokens: 0,
};

export const sieveReply = `The sieve of Eratosthenes marks every multiple of each prime up to √n. What stays unmarked is prime.

\`\`\`rust
fn primes(n: usize) -> Vec<usize> {
    let mut composite = vec![false; n + 1];
    (2..=n).filter(|&p| {
        let prime = !composite[p];
        if prime { (p * p..=n).step_by(p).for_each(|m| composite[m] = true) }
        prime
    }).collect()
}
\`\`\`

It takes **O(n log log n)** time and n bytes of memory.`;

const packingReply = `For a week in Norrland in February, **three layers** and dry feet matter most.

### Wear
1. Wool base layer, two sets
2. Fleece or light down
3. Windproof shell with a hood

### Carry
- [x] Head torch (the sun sets before three)
- [ ] Thermos, matches in a dry bag
- [ ] Map on paper: phones die in the cold

| Temperature | Gloves | Feet |
| --- | --- | ---: |
| 0 to −10 °C | wool | 1 pair of socks |
| −10 to −25 °C | wool and shell | 2 pairs, loose boots |
| below −25 °C | mittens | liners too |

> Cotton kills: it holds water and draws the warmth out.

More at [SMHI](https://www.smhi.se/). Check the forecast with \`curl wttr.in/Kiruna\`.`;

const breadReply = `Bread goes stale because its starch **crystallises again**, not because it dries out.

- In the oven, starch granules swell with water and turn soft.
- As the loaf cools, the chains line up and push the water out.
- A refrigerator speeds this up; a freezer nearly stops it.

Warming a slice to about 60 °C melts the crystals: that is why toast tastes fresh.`;

export const longReply = Array.from(
  { length: 40 },
  (_, index) =>
    `${index + 1}. A candle's flame draws melted wax up the wick, where it turns to vapour and burns.`,
).join("\n");

export const plainReply = `A candle burns its **vapour**, not its wick.

1. The flame melts the wax below it.
2. The wick draws the melted wax up.
3. The heat turns it to vapour, which burns with the air around it.

\`\`\`python
def candle(hours: float, rate: float = 5.0) -> float:
    """Grams of wax left after some hours."""
    return max(0.0, 100.0 - hours * rate)
\`\`\`

So a longer wick burns faster, and a draught makes it smoke.`;

export const candleThoughts = `The user asks about candles and a long night. In winter the night lasts about **sixteen hours**.

1. A household candle of 50 g burns about 7 g an hour, so it lasts 7 hours.
2. Sixteen divided by seven is 2.3, so three candles.

Is one flame enough to read by? Hardly; two side by side would be kinder to the eyes. I will say three for light and five for reading, and keep the answer short.`;

const candleReply =
  "Three household candles, one after the other, last a winter night of sixteen hours. **Five** are enough to read by for half of it.";

export type FakeChat = {
  id: number;
  title: string;
  updatedAtMs: number;
  messages: Message[];
  activeLeafId: number | null;
  draft: string;
  deleted: boolean;
};

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Chats of the last weeks, the newest a moment old. */
export function fakeChats(now: number): FakeChat[] {
  const midday = new Date(now).setHours(12, 0, 0, 0);
  return [
    chat(1, "Prime sieve in Rust", now - 60_000, [
      ["Write a prime sieve in Rust, and say what it costs.", sieveReply],
    ]),
    chat(2, "Packing list for Norrland", now - 120_000, [
      ["What should I pack for a week in Norrland in February?", packingReply],
    ]),
    chat(3, "Summarise the lease, clause by clause", midday - DAY_MS, [
      ["Summarise the lease, clause by clause.", plainReply],
    ]),
    chat(4, "Regex for ISO dates", midday - DAY_MS - HOUR_MS, [
      ["A regex for ISO dates?", "`\\d{4}-\\d{2}-\\d{2}` finds them."],
    ]),
    chat(5, "Översätt mejlet till engelska", midday - 4 * DAY_MS, [
      ["Översätt mejlet till engelska.", "Dear all, the meeting is on Friday."],
    ]),
    chat(7, "Candles for a long night", midday - 2 * DAY_MS, [
      [
        "How many candles do I need for a long night?",
        candleReply,
        {
          reasoning: candleThoughts,
          stats: { ...fakeStats, draftedTokens: 20, acceptedTokens: 12 },
        },
      ],
    ]),
    chat(8, "A story told in turns", midday - 3 * DAY_MS, [
      [
        "Begin a story about a lighthouse.",
        "The lamp had burned since spring.",
      ],
      ["Go on.", "One evening it flickered, and the gulls fell silent."],
      ["And then?", "A boat without a crew came in on the tide."],
      [
        "Who lit the lamp again?",
        "The keeper's daughter did, with the last match in the house.",
        { stats: { ...fakeStats, droppedMessages: 4 } },
      ],
    ]),
    chat(6, "Why does bread go stale?", midday - 30 * DAY_MS, [
      ["Why does bread go stale?", breadReply],
    ]),
  ];
}

function chat(
  id: number,
  title: string,
  updatedAtMs: number,
  turns: [string, string, Partial<Message>?][],
): FakeChat {
  const messages: Message[] = [];
  turns.forEach(([question, answer, more], turn) => {
    const userId = id * 1000 + turn * 2;
    const shared = {
      chatId: id,
      createdAtMs: updatedAtMs,
      reasoning: "",
      error: null,
    };
    messages.push(
      {
        ...shared,
        id: userId,
        parentId: turn === 0 ? null : userId - 1,
        role: "user",
        content: question,
        status: "complete",
        modelName: null,
        stats: null,
      },
      {
        ...shared,
        id: userId + 1,
        parentId: userId,
        role: "assistant",
        content: answer,
        status: "complete",
        modelName: "SmolLM2 135M Instruct",
        stats: fakeStats,
        ...more,
      },
    );
  });
  return {
    id,
    title,
    updatedAtMs,
    messages,
    activeLeafId: messages.at(-1)?.id ?? null,
    draft: "",
    deleted: false,
  };
}
