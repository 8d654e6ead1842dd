// The one interface through which the user interface reaches the application.
import type {
  Advice,
  AppEvent,
  Chat,
  ChatSummary,
  EngineStatus,
  HardwareReport,
  ImportEvent,
  KeptCalibration,
  LibraryModel,
  Measurement,
  Preferences,
  ReplyEvent,
  SendReceipt,
  SendRequest,
  Settings,
  SettingsPatch,
  StartState,
} from "./bindings";
/** Every method rejects with an `AppError`. */
export interface Backend {
  app: {
    /** Opens the data folder; rejects when it cannot be used. */
    start(): Promise<StartState>;
    /** Keeps an unreadable database aside and says where; `start` works after it. */
    setStorageAside(): Promise<string>;
    openLink(url: string): Promise<void>;
    openDataFolder(): Promise<void>;
  };
  chat: {
    /** Newest first; a query searches titles and messages. */
    list(query: string | null): Promise<ChatSummary[]>;
    open(chatId: number): Promise<Chat>;
    /** Resolves once the message is on disk; `onEvent` then follows the reply. */
    send(
      request: SendRequest,
      onEvent: (event: ReplyEvent) => void,
    ): Promise<SendReceipt>;
    /** Writes a sibling of an assistant message. */
    regenerate(
      messageId: number,
      onEvent: (event: ReplyEvent) => void,
    ): Promise<SendReceipt>;
    stop(messageId: number): Promise<void>;
    selectLeaf(chatId: number, messageId: number): Promise<void>;
    rename(chatId: number, title: string): Promise<ChatSummary>;
    delete(chatId: number): Promise<void>;
    restore(chatId: number): Promise<ChatSummary>;
    /** `null` keeps the draft of the chat that does not exist yet. */
    saveDraft(chatId: number | null, text: string): Promise<void>;
    newDraft(): Promise<string>;
  };
  models: {
    list(): Promise<LibraryModel[]>;
    /** Asks the user for a file; `null` when they dismissed the dialog. */
    import(onEvent: (event: ImportEvent) => void): Promise<LibraryModel | null>;
    cancelImport(): Promise<void>;
    select(modelId: string): Promise<void>;
    unload(): Promise<void>;
  };
  engine: {
    status(): Promise<EngineStatus>;
  };
  hardware: {
    /** Looks at the machine; asking drivers takes a moment. */
    inspect(): Promise<HardwareReport>;
    /** Measures it in ten seconds at most; `onProgress` hears fractions from 0 to 1. A message sent meanwhile cancels. */
    calibrate(onProgress: (fraction: number) => void): Promise<KeptCalibration>;
    cancelCalibration(): Promise<void>;
    /** Loads and replies on this machine, newest first: what was predicted, and what came of it. */
    measurements(): Promise<Measurement[]>;
  };
  recommend: {
    /** What suits this machine, as it was when somebody last looked. */
    models(preferences: Preferences): Promise<Advice>;
  };
  settings: {
    update(patch: SettingsPatch): Promise<Settings>;
  };
  /** Broadcast facts; returns how to stop listening. */
  onAppEvent(listener: (event: AppEvent) => void): Promise<() => void>;
}
