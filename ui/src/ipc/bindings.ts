// The types that cross the border between the interface and Rust.
export type Role = "system" | "user" | "assistant";
export type StopReason = "end_of_turn" | "stop_text" | "max_tokens" | "context_full" | "cancelled";
export type ReplyStats = { stopReason: StopReason, promptTokens: number, reusedTokens: number, replyTokens: number, timeToFirstTokenMs: number,
  prefillTokensPerSecond: number, decodeTokensPerSecond: number, contextLength: number, droppedMessages: number };
export type MessageStatus = "complete" | "streaming" | "stopped" | "failed" | "interrupted";   // interrupted: Wick ended while it streamed
export type Message = { id: number, chatId: number, parentId: number | null, role: Role, content: string, status: MessageStatus,
  createdAtMs: number, modelName: string | null, stats: ReplyStats | null, error: AppError | null };
export type ChatSummary = { id: number, title: string, updatedAtMs: number };
export type Chat = { summary: ChatSummary, messages: Message[] /* the whole tree */, activeLeafId: number | null, draft: string };
export type ModelInfo = { name: string, architecture: string, quantization: string, parameters: number, trainedContextLength: number, contextLength: number, hasChatTemplate: boolean };
export type LibraryModel = { id: string, info: ModelInfo, sizeBytes: number, addedAtMs: number, availability: "available" | "missing" };
export type MemoryUse = { residentBytes: number, peakBytes: number };
export type EngineStatus =                       // tagged union on "state"
  | { state: "idle" }
  | { state: "loading", modelId: string, fraction: number }
  | { state: "ready", modelId: string, memory: MemoryUse }
  | { state: "generating", modelId: string }
  | { state: "crashed", modelId: string | null, error: AppError };
export type Theme = "system" | "light" | "dark";
export type SamplingParams = { temperature: number, topK: number, topP: number, minP: number, repetitionPenalty: number, seed: number | null };
export type Settings = { theme: Theme, modelId: string | null, sampling: SamplingParams, systemPrompt: string, maxTokens: number | null, contextLength: number | null, threads: number | null };
export type SettingsPatch = Partial<Settings>;   // each field optional; for nullable ones null clears, absent leaves
export type ErrorCode = "not_gguf" | "unsupported_gguf_version" | "file_truncated" | "file_malformed" | "unsupported_architecture" | "unsupported_tensor_type"
  | "unsupported_tokenizer" | "no_chat_template" | "chat_template_failed" | "prompt_too_long" | "empty_message" | "invalid_settings" | "no_model" | "model_missing"
  | "device_unavailable" | "not_a_number" | "compute_failed" | "engine_crashed" | "engine_start_failed" | "cancelled" | "not_found" | "file_read_failed"
  | "disk_full" | "storage_unwritable" | "storage_damaged" | "storage_from_newer_version" | "storage_failed" | "link_refused" | "busy" | "internal";
export type AppError = { code: ErrorCode, message: string };   // message: one English sentence with the particulars (file name, numbers)
export type StorageNotice = { kind: "damaged_set_aside", keptAt: string };   // shown as a banner once
export type StartState = { version: string, settings: Settings, dataFolder: string, notice: StorageNotice | null, physicalCores: number, totalMemoryBytes: number };
export type StarterState = "importing" | "present" | "absent";

// streams
export type ReplyEvent =                          // tagged on "type"; one Channel per chat_send/chat_regenerate
  | { type: "waiting" } | { type: "loading", fraction: number }
  | { type: "reading", processed: number, total: number, reused: number, droppedMessages: number }
  | { type: "text", text: string }                // append
  | { type: "finished", message: Message };       // terminal: whatever happened (complete, stopped, failed: see message.status/error); carries the saved truth
export type ImportEvent = { type: "copying", doneBytes: number, totalBytes: number } | { type: "finished", model: LibraryModel };
// broadcast Tauri event "app" with payload AppEvent
export type AppEvent =
  | { type: "engine", status: EngineStatus } | { type: "library_changed" } | { type: "chats_changed" } | { type: "settings_changed", settings: Settings } | { type: "starter", state: StarterState, error: AppError | null };

export type SendRequest = { chatId: number | null, parentId: number | null, text: string };  // chatId null: a new chat. parentId: the message it answers (null = first message of the chat)
export type SendReceipt = { chat: ChatSummary, userMessage: Message | null /* null on regenerate */, reply: Message };
