// The backend of the real window. The only file that imports from Tauri.
import { Channel, invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import type { Backend } from "./backend";
import type {
  AppEvent,
  ImportEvent,
  MoveEvent,
  ReplyEvent,
  VerifyEvent,
} from "./bindings";
import { asAppError } from "./errors";

async function call<T>(
  command: string,
  args?: Record<string, unknown>,
): Promise<T> {
  try {
    return await invoke<T>(command, args);
  } catch (error) {
    throw asAppError(error);
  }
}

function channel<T>(onMessage: (message: T) => void): Channel<T> {
  const stream = new Channel<T>();
  stream.onmessage = onMessage;
  return stream;
}

export const tauriBackend: Backend = {
  app: {
    start: () => call("app_start"),
    setStorageAside: () => call("app_set_storage_aside"),
    openLink: (url) => call("app_open_link", { url }),
    openDataFolder: () => call("app_open_data_folder"),
  },
  chat: {
    list: (query) => call("chats_list", { query }),
    open: (chatId) => call("chat_open", { chatId }),
    send: (request, onEvent) =>
      call("chat_send", { request, onEvent: channel<ReplyEvent>(onEvent) }),
    regenerate: (messageId, onEvent) =>
      call("chat_regenerate", {
        messageId,
        onEvent: channel<ReplyEvent>(onEvent),
      }),
    stop: (messageId) => call("chat_stop", { messageId }),
    selectLeaf: (chatId, messageId) =>
      call("chat_select_leaf", { chatId, messageId }),
    rename: (chatId, title) => call("chat_rename", { chatId, title }),
    delete: (chatId) => call("chat_delete", { chatId }),
    restore: (chatId) => call("chat_restore", { chatId }),
    saveDraft: (chatId, text) => call("chat_save_draft", { chatId, text }),
    newDraft: () => call("chat_new_draft"),
  },
  models: {
    list: () => call("models_list"),
    import: (mode, kind, onEvent) =>
      call("model_import", {
        mode,
        kind,
        onEvent: channel<ImportEvent>(onEvent),
      }),
    cancelImport: () => call("model_import_cancel"),
    select: (modelId) => call("model_select", { modelId }),
    unload: () => call("model_unload"),
    delete: (modelId) => call("model_delete", { modelId }),
    restore: (modelId) => call("model_restore", { modelId }),
    verify: (modelId, onEvent) =>
      call("model_verify", {
        modelId,
        onEvent: channel<VerifyEvent>(onEvent),
      }),
    cancelVerify: () => call("model_verify_cancel"),
    folder: () => call("models_folder"),
    openFolder: () => call("models_folder_open"),
    moveFolder: (onEvent) =>
      call("models_folder_move", { onEvent: channel<MoveEvent>(onEvent) }),
    cancelMove: () => call("models_folder_move_cancel"),
    adoptable: () => call("models_adoptable"),
    adopt: (keys, onEvent) =>
      call("models_adopt", { keys, onEvent: channel<ImportEvent>(onEvent) }),
    emptyTrash: () => call("models_trash_empty"),
    checkForNewer: () => call("models_check_newer"),
  },
  engine: {
    status: () => call("engine_status"),
  },
  hardware: {
    inspect: () => call("hardware_inspect"),
    calibrate: (onProgress) =>
      call("hardware_calibrate", { onProgress: channel<number>(onProgress) }),
    cancelCalibration: () => call("hardware_cancel_calibration"),
    measurements: () => call("hardware_measurements"),
  },
  recommend: {
    models: (preferences) => call("recommend_models", { preferences }),
  },
  hub: {
    search: (query) => call("hub_search", { query }),
    details: (repository) => call("hub_details", { repository }),
    check: (repository, commit, file) =>
      call("hub_check", { repository, commit, file }),
    account: () => call("hub_account"),
    setToken: (token) => call("hub_set_token", { token }),
    catalog: () => call("hub_catalog"),
  },
  downloads: {
    list: () => call("downloads_list"),
    start: (request) => call("download_start", { request }),
    pause: (id) => call("download_pause", { id }),
    resume: (id) => call("download_resume", { id }),
    cancel: (id) => call("download_cancel", { id }),
    move: (id, position) => call("download_move", { id, position }),
  },
  settings: {
    update: (patch) => call("settings_update", { patch }),
  },
  onAppEvent: (listener) =>
    listen<AppEvent>("app", (event) => listener(event.payload)),
};
