// The sentences about the models on this computer. In English.
export const library = {
  region: "Models on this computer",
  title: "On this computer",
  summary: (count: number, size: string) =>
    count === 1 ? `1 model · ${size}` : `${count} models · ${size}`,
  model: "Model",
  size: "Size",
  speed: "Measured",
  used: "Last used",
  origin: "From",
  actions: "Actions",
  neverUsed: "not yet",
  notMeasured: "–",
  inUse: "In use",
  chat: "Chat",
  chatWith: (name: string) => `Chat with ${name}`,
  menu: (name: string) => `Options for ${name}`,
  use: "Use for new replies",
  unload: "Unload from memory",
  verify: "Verify the file",
  compare: "Compare",
  openPage: "Open its page on the Hub",
  delete: "Delete",
  remove: "Take out of the library",
  deleted: (name: string, bytes: string) =>
    `${name} was deleted; ${bytes} become free when Wick closes.`,
  removed: (name: string) =>
    `${name} was taken out of the library; its file stays where it is.`,
  undo: "Undo",
  restored: (name: string) => `${name} is back.`,
  trashTitle: "Deleted since Wick started",
  trashHelp: (bytes: string) =>
    `These can be restored until Wick closes; then ${bytes} become free.`,
  trashHelpFree: "These can be restored until Wick closes.",
  trashEmpty: "Free the space now",
  restore: "Restore",
  restoreOf: (name: string) => `Restore ${name}`,
  storages: {
    kept: "in Wick's folder",
    in_place: "used where it lies",
    adopted: "used where it lies",
  },
  importedFile: "a file",
  availability: {
    available: "",
    missing: "File is gone",
    changed: "File has changed",
    folder_missing: "Folder not there",
  },
  availabilityHelp: {
    available: "",
    missing:
      "The file was moved or deleted. Put it back, or take the model out of the library.",
    changed:
      "The file is not the one that was imported. Verify it, or import it again.",
    folder_missing:
      "The folder of models is not there. Plug its disk in again.",
  },
  newer: "Newer file",
  newerHelp: "Its repository holds a newer file.",
  newerDownload: "Download the newer file",
  checkNewer: "Look for newer files",
  checkingNewer: "Looking for newer files…",
  checkedNewer: (count: number) =>
    count === 0
      ? "Every model is the newest of its kind."
      : count === 1
        ? "1 model has a newer file."
        : `${count} models have newer files.`,
  verifying: (percent: string) => `Verifying ${percent}`,
  verifyCancel: "Stop",
  whole: "The file is whole: every byte is as it was.",
  damagedTitle: (name: string) => `${name} is damaged`,
  damaged: (file: string, expected: string, found: string) =>
    `${file}: sha256 ${found}… instead of ${expected}….`,
  damagedAdvice: "Delete it and download it again.",
  dismiss: "Dismiss",
  find: "Find in the library",
  noMatch: (words: string) => `No model on this computer matches “${words}”.`,
  empty: "No model on this computer yet",
  emptyAdvice:
    "Download one, import a file you have, or use what another program keeps already.",
  emptyDownload: "See what suits this machine",
  import: "Import",
  importLabel: "Import a model",
  importFile: "Copy a file…",
  importFileHelp: "A GGUF file, copied into Wick's folder",
  importFolder: "Copy a folder…",
  importFolderHelp: "A folder of safetensors",
  useFile: "Use a file where it is…",
  useFileHelp: "Nothing is copied; keep the file where it lies",
  useFolder: "Use a folder where it is…",
  adopt: "Use models of other programs…",
  adoptHelp: "LM Studio, Ollama, Jan, GPT4All, Hugging Face",
  reading: "Reading a model",
};

export const folder = {
  title: "Models folder",
  free: (free: string) => `${free} free`,
  takes: (bytes: string) => `models take ${bytes}`,
  open: "Open folder",
  move: "Move…",
  moving: "Moving the models",
  movingHelp:
    "The old folder stays complete until everything has arrived; it is safe to stop.",
  moved: (path: string) => `The models now lie in ${path}.`,
  cancel: "Stop",
  missingTitle: "The models folder is not there",
  missing: (path: string) =>
    `${path} cannot be found. Plug its disk in again, and the models are back.`,
  readOnlyTitle: "The models folder is read-only",
  readOnly: (path: string) =>
    `Models in ${path} run, but none can be added or deleted.`,
  again: "Look again",
};

export const adopt = {
  title: "Use models of other programs",
  help: "Nothing is copied and nothing changes for the other program. If it deletes a model, it is gone here too.",
  looking:
    "Looking through LM Studio, Ollama, Jan, GPT4All and the Hugging Face cache…",
  failed: "The other programs could not be looked through",
  none: "No models of other programs were found",
  noneAdvice:
    "Wick looked where LM Studio, Ollama, Jan, GPT4All and the Hugging Face cache usually keep them.",
  peers: {
    lm_studio: "LM Studio",
    ollama: "Ollama",
    jan: "Jan",
    gpt4all: "GPT4All",
    hugging_face: "Hugging Face cache",
  },
  already: "in your library",
  problem: "will not run",
  all: "Choose all",
  adopt: (count: number, size: string) =>
    count === 0
      ? "Choose models"
      : count === 1
        ? `Use 1 model, ${size}`
        : `Use ${count} models, ${size}`,
  working: (percent: string) => `Reading the files… ${percent}`,
  stop: "Stop",
  done: (count: number) =>
    count === 1 ? "1 model was added." : `${count} models were added.`,
  close: "Close",
  cancel: "Cancel",
};

export const drop = {
  title: "Drop to import",
  text: "A GGUF file, or a folder of safetensors. It is copied into Wick's folder.",
};
