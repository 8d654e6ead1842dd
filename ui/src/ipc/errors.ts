// What each error means to the person at the window: a title, what to do, and how loud to say it.
import type { AppError, ErrorCode } from "./bindings";

export type Tone = "info" | "warn" | "bad";

export type ErrorWords = { title: string; advice: string; tone: Tone };

export const errorWords: Record<ErrorCode, ErrorWords> = {
  not_gguf: {
    title: "This is not a GGUF file",
    advice: "Choose a model file that ends in .gguf.",
    tone: "warn",
  },
  unsupported_gguf_version: {
    title: "This GGUF version is not supported",
    advice: "Look for a newer conversion of the model (GGUF version 2 or 3).",
    tone: "warn",
  },
  file_truncated: {
    title: "The file is incomplete",
    advice: "The download probably broke off. Download it again, then import.",
    tone: "warn",
  },
  file_malformed: {
    title: "The file is damaged",
    advice: "Download it again, or choose another conversion of the model.",
    tone: "warn",
  },
  unsupported_architecture: {
    title: "Wick does not know this kind of model yet",
    advice: "Choose a model of a supported architecture, such as Llama.",
    tone: "warn",
  },
  unsupported_tensor_type: {
    title: "Wick cannot read this quantization",
    advice: "Choose another quantization of the same model, such as Q4_K_M.",
    tone: "warn",
  },
  unsupported_tokenizer: {
    title: "Wick cannot read this model's tokenizer",
    advice: "Choose another conversion of the model.",
    tone: "warn",
  },
  no_chat_template: {
    title: "This model was not made for chat",
    advice: "Choose an “instruct” or “chat” version of the model.",
    tone: "warn",
  },
  chat_template_failed: {
    title: "The model's chat template failed",
    advice: "Choose another conversion of the model.",
    tone: "warn",
  },
  prompt_too_long: {
    title: "Your message does not fit the context",
    advice:
      "Shorten the message, or raise the context length in Settings, Engine.",
    tone: "warn",
  },
  empty_message: {
    title: "The message is empty",
    advice: "Write something first.",
    tone: "info",
  },
  invalid_settings: {
    title: "That setting is out of range",
    advice: "The last good value is kept.",
    tone: "warn",
  },
  no_model: {
    title: "No model is chosen",
    advice: "Choose one from the model menu below the message field.",
    tone: "warn",
  },
  model_missing: {
    title: "The model's file is gone",
    advice: "Choose another model, or import the file again.",
    tone: "warn",
  },
  model_changed: {
    title: "The model's file has changed",
    advice: "Verify it in the library, or import it again.",
    tone: "warn",
  },
  models_folder_missing: {
    title: "The folder of models is not there",
    advice: "Connect the disk it lies on, then try again.",
    tone: "warn",
  },
  file_in_use: {
    title: "The file is in use",
    advice: "Close what uses it, then try again.",
    tone: "warn",
  },
  download_corrupt: {
    title: "The download is not what the server promised",
    advice: "Try again later, or choose another file.",
    tone: "bad",
  },
  offline: {
    title: "The Hub does not answer",
    advice: "Check the connection. What you have keeps working without it.",
    tone: "warn",
  },
  hub_not_found: {
    title: "It was not found on the Hub",
    advice: "Check the name; it may have been removed.",
    tone: "warn",
  },
  hub_gated: {
    title: "The publisher asks for something first",
    advice: "Accept the terms on the model's page, then try again.",
    tone: "info",
  },
  hub_sign_in: {
    title: "Not found, private, or needs sign-in",
    advice: "Check the name, or add an access token in Settings.",
    tone: "warn",
  },
  hub_rate_limited: {
    title: "The Hub was asked too often",
    advice: "Wick tries again by itself when it may.",
    tone: "info",
  },
  hub_failed: {
    title: "The Hub failed",
    advice: "Try again later.",
    tone: "warn",
  },
  hub_refused: {
    title: "Wick does not use this address or name",
    advice: "Check it for mistakes.",
    tone: "warn",
  },
  device_unavailable: {
    title: "The device is not available",
    advice: "Check that no other program holds it, then try again.",
    tone: "bad",
  },
  not_a_number: {
    title: "The model produced no usable numbers",
    advice: "Try again; if it happens often, choose another quantization.",
    tone: "bad",
  },
  compute_failed: {
    title: "The computation failed",
    advice: "Try again; if it happens often, choose a smaller model.",
    tone: "bad",
  },
  engine_crashed: {
    title: "The engine stopped unexpectedly",
    advice:
      "Nothing you wrote is lost. Your next message starts the engine again.",
    tone: "bad",
  },
  engine_start_failed: {
    title: "The engine did not start",
    advice: "Try again; if it stays so, reinstall Wick.",
    tone: "bad",
  },
  cancelled: {
    title: "Cancelled",
    advice: "Nothing was changed.",
    tone: "info",
  },
  not_found: {
    title: "It is no longer there",
    advice: "It may have been deleted. Choose another.",
    tone: "warn",
  },
  file_read_failed: {
    title: "The file could not be read",
    advice: "Check that it still exists and that you may read it.",
    tone: "warn",
  },
  disk_full: {
    title: "The disk is full",
    advice: "Free some space, then try again.",
    tone: "bad",
  },
  storage_unwritable: {
    title: "Wick cannot write to its data folder",
    advice: "Check the folder's permissions and free space, then try again.",
    tone: "bad",
  },
  storage_damaged: {
    title: "Your chats could not be read",
    advice: "Wick can set the damaged file aside, unchanged, and start fresh.",
    tone: "bad",
  },
  storage_from_newer_version: {
    title: "Your chats belong to a newer Wick",
    advice:
      "Install the newer version to read them. Or set them aside, unchanged, and start fresh here.",
    tone: "warn",
  },
  storage_failed: {
    title: "Your chats could not be saved",
    advice: "Check the disk and try again.",
    tone: "bad",
  },
  link_refused: {
    title: "The link was not opened",
    advice: "Wick opens only web and mail addresses.",
    tone: "warn",
  },
  busy: {
    title: "The engine is busy",
    advice: "Wait for the running reply, or stop it, then try again.",
    tone: "info",
  },
  offline: {
    title: "The Hub cannot be reached",
    advice: "Check the network, and the proxy in Settings, Hub.",
    tone: "warn",
  },
  hub_not_found: {
    title: "Not found, private, or needs sign-in",
    advice:
      "Check the name. A private model needs an access token: Settings, Hub.",
    tone: "warn",
  },
  hub_gated: {
    title: "Its makers ask you to accept their terms",
    advice:
      "Accept them on the model's page, then give Wick an access token: Settings, Hub.",
    tone: "info",
  },
  hub_sign_in: {
    title: "The Hub asks who you are",
    advice: "Give Wick a valid access token: Settings, Hub.",
    tone: "warn",
  },
  hub_rate_limited: {
    title: "The Hub asks to slow down",
    advice: "Wait a little; an access token raises the limit.",
    tone: "info",
  },
  hub_failed: {
    title: "The Hub did not answer as it should",
    advice: "Try again in a while.",
    tone: "warn",
  },
  hub_refused: {
    title: "Wick does not use this address",
    advice: "Only addresses that begin with https:// are used.",
    tone: "warn",
  },
  internal: {
    title: "Something went wrong",
    advice: "Try again; if it stays so, restart Wick.",
    tone: "bad",
  },
};

/** Makes an `AppError` of whatever was thrown. */
export function asAppError(thrown: unknown): AppError {
  if (isAppError(thrown)) {
    return thrown;
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: "internal", message };
}

function isAppError(thrown: unknown): thrown is AppError {
  return (
    typeof thrown === "object" &&
    thrown !== null &&
    "code" in thrown &&
    typeof thrown.code === "string" &&
    thrown.code in errorWords &&
    "message" in thrown
  );
}
