// The one interface through which the user interface reaches the application.
import type {
  Adoptable,
  Advice,
  AppEvent,
  CatalogEntry,
  Chat,
  ChatSummary,
  Deleted,
  Download,
  DownloadRequest,
  EngineStatus,
  HardwareReport,
  HubAccount,
  HubDetails,
  HubFileCheck,
  HubPage,
  HubQuery,
  ImportEvent,
  ImportMode,
  KeptCalibration,
  LibraryFolder,
  LibraryModel,
  Measurement,
  MoveEvent,
  Preferences,
  ReplyEvent,
  SendReceipt,
  SendRequest,
  Settings,
  SettingsPatch,
  StartState,
  VerifyEvent,
  VerifyOutcome,
} from "./bindings";

/** What a model is imported from: one file, or a folder of safetensors. */
export type ImportKind = "file" | "folder";

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
    /** Asks the user for a file or a folder; `null` when they dismissed the dialog. */
    import(
      mode: ImportMode,
      kind: ImportKind,
      onEvent: (event: ImportEvent) => void,
    ): Promise<LibraryModel | null>;
    cancelImport(): Promise<void>;
    select(modelId: string): Promise<void>;
    unload(): Promise<void>;
    /** Can be taken back with `restore` until the app closes. */
    delete(modelId: string): Promise<Deleted>;
    restore(modelId: string): Promise<void>;
    /** Reads all of the model's bytes again. */
    verify(
      modelId: string,
      onEvent: (event: VerifyEvent) => void,
    ): Promise<VerifyOutcome>;
    cancelVerify(): Promise<void>;
    folder(): Promise<LibraryFolder>;
    openFolder(): Promise<void>;
    /** Asks where to; `null` when the dialog was dismissed. */
    moveFolder(
      onEvent: (event: MoveEvent) => void,
    ): Promise<LibraryFolder | null>;
    cancelMove(): Promise<void>;
    /** What other programs keep on this computer. */
    adoptable(): Promise<Adoptable[]>;
    /** Reads their files where they lie; `cancelImport` stops it. */
    adopt(
      keys: string[],
      onEvent: (event: ImportEvent) => void,
    ): Promise<LibraryModel[]>;
    /** Frees the space of what was deleted, at once. */
    emptyTrash(): Promise<void>;
    /** Looks for newer files; `library_changed` tells when something was found. */
    checkForNewer(): Promise<void>;
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
  hub: {
    search(query: HubQuery): Promise<HubPage>;
    details(repository: string): Promise<HubDetails>;
    /** Reads the file's header from the server. */
    check(
      repository: string,
      commit: string,
      file: string,
    ): Promise<HubFileCheck>;
    account(): Promise<HubAccount>;
    /** `null` forgets it. It cannot be read back. */
    setToken(token: string | null): Promise<HubAccount>;
    catalog(): Promise<CatalogEntry[]>;
  };
  downloads: {
    list(): Promise<Download[]>;
    start(request: DownloadRequest): Promise<Download>;
    pause(id: number): Promise<void>;
    /** Also tries a failed one again. */
    resume(id: number): Promise<void>;
    /** What is here is deleted; one that is over leaves the list. */
    cancel(id: number): Promise<void>;
    move(id: number, position: number): Promise<void>;
  };
  settings: {
    update(patch: SettingsPatch): Promise<Settings>;
  };
  /** Broadcast facts; returns how to stop listening. */
  onAppEvent(listener: (event: AppEvent) => void): Promise<() => void>;
}
