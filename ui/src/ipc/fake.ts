// A scripted backend: the interface runs on it in any browser, in tests and for screenshots.
import type { Backend } from "./backend";
import type {
  AppError,
  AppEvent,
  ChatSummary,
  EngineStatus,
  ErrorCode,
  MemoryUse,
  Message,
  ReplyEvent,
  SendReceipt,
  Settings,
} from "./bindings";
import { fakeRecommend } from "./fakeCatalog";
import { fakeChats, fakeSettings, isBare, type FakeChat } from "./fakeContent";
import { fakeDownloads } from "./fakeDownloads";
import { fakeHardware } from "./fakeHardware";
import { fakeHub } from "./fakeHub";
import { fakeLibrary } from "./fakeLibrary";
import { machineOf, type DesktopScenario } from "./fakeMachines";
import { playReply, scriptFor } from "./fakeReply";

export type Scenario =
  | "usual"
  | "first-run"
  | "starter"
  | "crashed"
  | "newer-storage"
  | "unwritable"
  | "damaged"
  | "empty"
  | "unmeasured"
  | "measuring"
  | "container"
  | "measuring-failed"
  | "downloads"
  | "offline"
  | "hub-failed"
  | "many"
  | "nothing-to-adopt"
  | "folder-missing"
  | "folder-read-only"
  | "dropping"
  | DesktopScenario;

type Options = { scenario?: Scenario; speed?: number };

const MEMORY: MemoryUse = {
  residentBytes: 262_144_000,
  peakBytes: 301_000_000,
};
const DATA_FOLDER = "/home/ada/.local/share/org.wick.desktop";

const failure = (code: ErrorCode, message: string): AppError => ({
  code,
  message,
});

/** `speed` multiplies every pause; 0 takes none. */
export function createFakeBackend(options: Options = {}): Backend {
  const { scenario = "usual", speed = 1 } = options;
  const listeners = new Set<(event: AppEvent) => void>();
  const emit = (event: AppEvent) => listeners.forEach((tell) => tell(event));
  const pause = (ms: number) =>
    new Promise<void>((resolve) => setTimeout(resolve, ms * speed));

  const bare = isBare(scenario);
  const chats: FakeChat[] =
    bare || scenario === "empty" ? [] : fakeChats(Date.now());
  const library = fakeLibrary({ scenario, pause, emit });
  const { hub, sizeOf } = fakeHub({
    scenario,
    pause,
    installed: (repository, file) =>
      library.installed(repository, file)?.id ?? null,
  });
  const downloads = fakeDownloads({
    scenario,
    pause,
    emit,
    sizeOf,
    addModel: library.add,
  });
  let settings: Settings = {
    ...fakeSettings,
    modelId: bare ? null : fakeSettings.modelId,
  };
  let status: EngineStatus = { state: "idle" };
  let storageLocked = scenario === "newer-storage";
  let newDraft = "";
  let nextId = 100_000;
  const stopped = new Set<number>();

  if (scenario === "crashed") {
    status = {
      state: "crashed",
      modelId: "a1",
      error: failure(
        "engine_crashed",
        "The engine ended with signal 9 (killed).",
      ),
    };
  }

  const setStatus = (next: EngineStatus) => {
    status = next;
    emit({ type: "engine", status });
  };
  const find = (chatId: number): FakeChat => {
    const chat = chats.find((one) => one.id === chatId && !one.deleted);
    if (!chat) {
      throw failure("not_found", `Chat ${chatId} does not exist.`);
    }
    return chat;
  };
  const summary = (chat: FakeChat): ChatSummary => ({
    id: chat.id,
    title: chat.title,
    updatedAtMs: chat.updatedAtMs,
  });
  const modelName = () => library.find(settings.modelId)?.info.name ?? null;

  async function load(onFraction: (fraction: number) => void) {
    const { modelId } = settings;
    if (!modelId || (status.state === "ready" && status.modelId === modelId)) {
      return;
    }
    for (const fraction of [0, 0.2, 0.43, 0.7, 0.9]) {
      setStatus({ state: "loading", modelId, fraction });
      onFraction(fraction);
      await pause(140);
    }
    setStatus({ state: "ready", modelId, memory: MEMORY });
  }

  function newMessage(
    chat: FakeChat,
    parentId: number | null,
    role: Message["role"],
    content: string,
  ): Message {
    const message: Message = {
      id: nextId++,
      chatId: chat.id,
      parentId,
      role,
      content,
      reasoning: "",
      status: role === "user" ? "complete" : "streaming",
      createdAtMs: Date.now(),
      modelName: role === "user" ? null : modelName(),
      stats: null,
      error: null,
    };
    chat.messages.push(message);
    chat.activeLeafId = message.id;
    return message;
  }

  async function run(
    chat: FakeChat,
    question: string,
    reply: Message,
    onEvent: (event: ReplyEvent) => void,
  ) {
    const message = await playReply({
      script: scriptFor(question),
      reply,
      onEvent,
      pause,
      stopped: () => stopped.has(reply.id),
      load: async (onFraction) => {
        await load(onFraction);
        if (settings.modelId) {
          setStatus({ state: "generating", modelId: settings.modelId });
        }
      },
    });
    const modelId = settings.modelId ?? "";
    setStatus(
      message.error
        ? { state: "crashed", modelId, error: message.error }
        : { state: "ready", modelId, memory: MEMORY },
    );
    chat.messages = chat.messages.map((one) =>
      one.id === message.id ? message : one,
    );
    onEvent({ type: "finished", message });
  }

  const profile = machineOf(scenario);
  const hardware = fakeHardware({
    measured:
      !bare &&
      !["unmeasured", "measuring", "card-unmeasured"].includes(scenario),
    profile,
    failing: scenario === "measuring-failed",
    pause,
    emit,
  });

  return {
    app: {
      async start() {
        await pause(20);
        if (storageLocked) {
          throw failure(
            "storage_from_newer_version",
            `${DATA_FOLDER}/wick.db was written by Wick 0.9 (layout 14); this Wick knows layouts up to 3.`,
          );
        }
        if (scenario === "unwritable") {
          throw failure(
            "storage_unwritable",
            `${DATA_FOLDER} is on a read-only file system.`,
          );
        }
        return {
          version: "0.1.0",
          settings,
          dataFolder: DATA_FOLDER,
          physicalCores: 4,
          totalMemoryBytes: 16_600_000_000,
          notice:
            scenario === "damaged"
              ? {
                  kind: "damaged_set_aside",
                  keptAt: `${DATA_FOLDER}/wick.damaged-2026-11-24.db`,
                }
              : null,
        };
      },
      async setStorageAside() {
        await pause(300);
        storageLocked = false;
        return `${DATA_FOLDER}/wick.newer-2026-11-24.db`;
      },
      async openLink(url) {
        if (!/^(https?|mailto):/.test(url)) {
          throw failure("link_refused", `${url} is not a web address.`);
        }
      },
      async openDataFolder() {},
    },
    chat: {
      async list(query) {
        const wanted = query?.toLowerCase() ?? "";
        return chats
          .filter((chat) => !chat.deleted)
          .filter((chat) =>
            [chat.title, ...chat.messages.map((message) => message.content)]
              .join("\n")
              .toLowerCase()
              .includes(wanted),
          )
          .sort((a, b) => b.updatedAtMs - a.updatedAtMs)
          .map(summary);
      },
      async open(chatId) {
        const chat = find(chatId);
        return {
          summary: summary(chat),
          messages: [...chat.messages],
          activeLeafId: chat.activeLeafId,
          draft: chat.draft,
        };
      },
      async send({ chatId, parentId, text }, onEvent): Promise<SendReceipt> {
        await pause(30);
        if (text.trim() === "") {
          throw failure("empty_message", "The message holds no text.");
        }
        if (settings.modelId === null) {
          throw failure("no_model", "No model is chosen.");
        }
        if (text.includes("/full")) {
          throw failure("disk_full", "The message could not be saved.");
        }
        let chat: FakeChat;
        if (chatId === null) {
          chat = {
            id: nextId++,
            title: text.slice(0, 60),
            updatedAtMs: 0,
            messages: [],
            activeLeafId: null,
            draft: "",
            deleted: false,
          };
          chats.push(chat);
        } else {
          chat = find(chatId);
        }
        chat.updatedAtMs = Date.now();
        const userMessage = newMessage(chat, parentId, "user", text);
        const reply = newMessage(chat, userMessage.id, "assistant", "");
        void run(chat, text, reply, onEvent);
        return { chat: summary(chat), userMessage, reply };
      },
      async regenerate(messageId, onEvent) {
        await pause(30);
        const chat = chats.find((one) =>
          one.messages.some((message) => message.id === messageId),
        );
        const old = chat?.messages.find((message) => message.id === messageId);
        const question = chat?.messages.find(
          (message) => message.id === old?.parentId,
        );
        if (!chat || !old) {
          throw failure("not_found", `Message ${messageId} does not exist.`);
        }
        const reply = newMessage(chat, old.parentId, "assistant", "");
        const words = question?.content.replace("/crash", "") ?? "";
        void run(chat, words, reply, onEvent);
        return { chat: summary(chat), userMessage: null, reply };
      },
      async stop(messageId) {
        stopped.add(messageId);
      },
      async selectLeaf(chatId, messageId) {
        find(chatId).activeLeafId = messageId;
      },
      async rename(chatId, title) {
        const chat = find(chatId);
        chat.title = title;
        return summary(chat);
      },
      async delete(chatId) {
        find(chatId).deleted = true;
      },
      async restore(chatId) {
        const chat = chats.find((one) => one.id === chatId);
        if (!chat) {
          throw failure("not_found", `Chat ${chatId} does not exist.`);
        }
        chat.deleted = false;
        return summary(chat);
      },
      async saveDraft(chatId, text) {
        if (chatId === null) {
          newDraft = text;
        } else {
          find(chatId).draft = text;
        }
      },
      async newDraft() {
        return newDraft;
      },
    },
    models: {
      ...library,
      async select(modelId) {
        const model = library.find(modelId);
        if (model?.availability !== "available") {
          throw failure(
            "model_missing",
            "The model's file was moved or deleted.",
          );
        }
        settings = { ...settings, modelId };
        emit({ type: "settings_changed", settings });
        void load(() => {});
      },
      async unload() {
        setStatus({ state: "idle" });
      },
    },
    engine: {
      async status() {
        return status;
      },
    },
    hardware,
    hub,
    downloads,
    recommend: fakeRecommend(
      profile,
      async () => (await hardware.inspect()).calibration !== null,
    ),
    settings: {
      async update(patch) {
        const next = { ...settings, ...patch };
        if (next.sampling.temperature < 0 || next.sampling.temperature > 2) {
          throw failure(
            "invalid_settings",
            "The temperature must be from 0 to 2.",
          );
        }
        settings = next;
        emit({ type: "settings_changed", settings });
        return settings;
      },
    },
    async onAppEvent(listener) {
      listeners.add(listener);
      if (scenario === "measuring") {
        const state = { state: "running" as const, fraction: 0.4 };
        listener({ type: "calibration", state });
      }
      if (scenario === "dropping") {
        listener({ type: "drop_hover", active: true });
      }
      if (scenario === "starter") {
        listener({ type: "starter", state: "importing", error: null });
      }
      return () => listeners.delete(listener);
    },
  };
}

/** The backend that the page's address asks for: `?scenario=first-run&speed=0`. */
export function fakeBackendFromAddress(search: string): Backend {
  const query = new URLSearchParams(search);
  return createFakeBackend({
    scenario: (query.get("scenario") ?? "usual") as Scenario,
    speed: Number(query.get("speed") ?? 1),
  });
}
