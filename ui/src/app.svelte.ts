// The state of the running interface, put together from its parts.
import { createContext } from "svelte";
import { Chats } from "./chat/chats.svelte";
import { Confirm } from "./components/confirm.svelte";
import { Toasts } from "./components/toasts.svelte";
import type { Backend, ImportKind } from "./ipc/backend";
import type {
  AppError,
  AppEvent,
  ImportEvent,
  ImportMode,
  LibraryModel,
  StartState,
  StorageNotice,
} from "./ipc/bindings";
import { Machine } from "./machine/machine.svelte";
import { Catalog } from "./models/catalog/catalog.svelte";
import { Comparison } from "./models/compare/comparison.svelte";
import { Downloads } from "./models/download/downloads.svelte";
import { Hub } from "./models/hub/hub.svelte";
import { Library } from "./models/library/library.svelte";
import { Models } from "./models/models.svelte";
import { Navigation } from "./navigation.svelte";
import { SettingsState } from "./settings/settings.svelte";
import { t } from "./i18n";
import { formatBytes } from "./i18n/formats";

export class App {
  readonly navigation = new Navigation();
  readonly toasts = new Toasts();
  readonly confirm = new Confirm();
  readonly chats: Chats;
  readonly models: Models;
  readonly catalog: Catalog;
  readonly hub: Hub;
  readonly comparison: Comparison;
  readonly downloads: Downloads;
  readonly library: Library;
  readonly machine: Machine;
  readonly settings: SettingsState;
  notice = $state.raw<StorageNotice | null>(null);
  /** Whether a person who is new here has left the welcome, or needs none. */
  welcomed = $state(false);
  /** Whether files are held over the window. */
  isDropping = $state(false);

  constructor(
    readonly backend: Backend,
    readonly facts: StartState,
  ) {
    const report = (error: AppError) => this.toasts.error(error);
    this.chats = new Chats(backend, report);
    this.models = new Models(backend, report);
    this.settings = new SettingsState(backend, facts.settings, report);
    this.machine = new Machine(backend, this.settings);
    this.catalog = new Catalog(backend, report);
    this.hub = new Hub(backend);
    this.comparison = new Comparison(backend, this.hub.checks);
    this.downloads = new Downloads(backend, report, {
      finished: (modelIds) => void this.#downloaded(modelIds),
      failed: (names) => this.#downloadFailed(names),
    });
    this.library = new Library(backend, report);
    this.notice = facts.notice;
  }

  /** Reads the lists; the window is usable once it resolves. */
  async start(): Promise<void> {
    await Promise.all([
      this.chats.start(),
      this.models.start(),
      this.downloads.begin(),
    ]);
    this.welcomed = this.chats.list.length > 0;
  }

  /** A person who is new here sees what Wick is and what suits the machine; nobody can go on without a model. */
  get isWelcoming(): boolean {
    const noModels = this.models.loaded && this.models.library.length === 0;
    return this.chats.open.id === null && (noModels || !this.welcomed);
  }

  onEvent(event: AppEvent) {
    switch (event.type) {
      case "engine":
        this.models.engineChanged(event.status);
        break;
      case "library_changed":
        void this.models.refresh();
        // Where it was never shown, it is read when it is.
        if (this.library.folder) void this.library.refreshFolder();
        break;
      case "chats_changed":
        void this.chats.changedElsewhere();
        break;
      case "settings_changed":
        this.settings.changedElsewhere(event.settings);
        break;
      case "calibration":
        this.machine.calibrationChanged(event.state);
        break;
      case "downloads_changed":
        this.downloads.changed(event.downloads);
        break;
      case "drop_hover":
        this.isDropping = event.active;
        break;
      case "import":
        this.isDropping = false;
        void this.#dropped(event.event, event.error);
        break;
      case "starter":
        this.models.starterChanged(event.state, event.error);
        void this.models.refresh();
        break;
    }
  }

  /** Shows the field for a new chat. */
  newChat() {
    this.navigation.view = "chat";
    this.navigation.sidebarOpen = false;
    if (this.chats.query !== "") {
      // The new chat would not show among the ones searched for.
      this.chats.query = "";
      void this.chats.refresh();
    }
    void this.chats.showNew();
  }

  openChat(chatId: number) {
    this.navigation.view = "chat";
    this.navigation.sidebarOpen = false;
    void this.chats.show(chatId);
  }

  async deleteChat(chatId: number, title: string): Promise<void> {
    if (await this.chats.delete(chatId)) {
      this.toasts.offer(t.sidebar.deleted(title), t.sidebar.undo, () => {
        void this.chats.restore(chatId);
      });
    }
  }

  /** Asks for a file or a folder; when there was no model in use, the new one is. */
  async importModel(
    mode: ImportMode = "copy",
    kind: ImportKind = "file",
  ): Promise<void> {
    const model = await this.models.import(mode, kind);
    if (model) {
      await this.#arrived(model);
    } else if (this.models.importError && this.models.library.length > 0) {
      this.toasts.error(this.models.importError);
    }
  }

  /** Puts a file of the Hub into the queue; asks first where it is too large for the machine now. */
  async download(
    repository: string,
    file: string,
    name: string,
    missingBytes: number | null,
    revision: string | null,
  ): Promise<void> {
    const words = t.browse.downloads;
    if (missingBytes !== null) {
      const wanted = await this.confirm.ask({
        title: words.tooLargeTitle(name),
        text: words.tooLargeText(formatBytes(missingBytes)),
        yes: words.anyway,
        no: words.tooLargeNo,
      });
      if (!wanted) {
        return;
      }
    }
    await this.downloads.start({ repository, revision, file });
  }

  /** A new chat with a model of the library. */
  async chatWith(modelId: string): Promise<void> {
    if (this.settings.current.modelId !== modelId) {
      await this.models.select(modelId);
    }
    this.welcomed = true;
    this.downloads.isPanelOpen = false;
    this.newChat();
  }

  /** The offers to bring a deleted model back, by its id. */
  #undoing: Record<string, number> = {};

  /** Can be taken back from the notice, and from the library until the app closes. */
  async deleteModel(model: LibraryModel): Promise<void> {
    const words = t.browse.library;
    const { name } = model.info;
    const deleted = await this.library.delete(model);
    if (deleted) {
      const text =
        deleted.freedBytes > 0
          ? words.deleted(name, formatBytes(deleted.freedBytes))
          : words.removed(name);
      const undo = () => void this.restoreModel(model);
      this.#undoing[model.id] = this.toasts.offer(text, words.undo, undo);
    }
  }

  async restoreModel({ id, info }: LibraryModel): Promise<void> {
    if (await this.library.restore(id)) {
      this.toasts.dismiss(this.#undoing[id] ?? 0);
      this.toasts.show(t.browse.library.restored(info.name));
      if (this.settings.current.modelId === null) {
        await this.models.select(id);
      }
    }
  }

  async #downloaded(modelIds: string[]): Promise<void> {
    await this.models.refresh();
    for (const modelId of modelIds) {
      const model = this.models.library.find(({ id }) => id === modelId);
      if (model && this.settings.current.modelId === null) {
        await this.models.select(modelId);
      }
      if (model) {
        const { downloads } = t.browse;
        const text = downloads.ready(model.info.name);
        this.toasts.offer(text, downloads.chat, () => {
          void this.chatWith(modelId);
        });
      }
    }
  }

  #downloadFailed(names: string[]) {
    if (!this.downloads.isPanelOpen) {
      const { downloads } = t.browse;
      for (const name of names) {
        this.toasts.offer(downloads.failed(name), downloads.show, () => {
          this.downloads.isPanelOpen = true;
        });
      }
    }
  }

  async #dropped(event: ImportEvent | null, error: AppError | null) {
    const model = this.models.importChanged(event);
    if (model) {
      await this.models.refresh();
      await this.#arrived(model);
    }
    if (error) {
      this.toasts.error(error);
    }
  }

  async #arrived(model: LibraryModel): Promise<void> {
    this.welcomed = true;
    this.toasts.show(t.models.imported(model.info.name));
    if (this.settings.current.modelId === null) {
      await this.models.select(model.id);
    }
  }

  /** Shows a model's page on the Hub, or on the mirror that is asked in its place, in the browser. */
  openModelPage(repository: string) {
    this.backend.hub
      .account()
      .then(({ endpoint }) =>
        this.openLink(`${endpoint.replace(/\/$/, "")}/${repository}`),
      )
      .catch((error: AppError) => this.toasts.error(error));
  }

  openSettings(section: string) {
    this.navigation.settingsSection = section;
    this.navigation.view = "settings";
  }

  openLink(url: string) {
    this.backend.app.openLink(url).catch((error: AppError) => {
      this.toasts.error(error);
    });
  }
}

export const [useApp, provideApp] = createContext<App>();
