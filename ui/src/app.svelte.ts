// The state of the running interface, put together from its parts.
import { createContext } from "svelte";
import { Chats } from "./chat/chats.svelte";
import { Toasts } from "./components/toasts.svelte";
import type { Backend } from "./ipc/backend";
import type {
  AppError,
  AppEvent,
  StartState,
  StorageNotice,
} from "./ipc/bindings";
import { Machine } from "./machine/machine.svelte";
import { Models } from "./models/models.svelte";
import { Navigation } from "./navigation.svelte";
import { SettingsState } from "./settings/settings.svelte";
import { t } from "./i18n";

export class App {
  readonly navigation = new Navigation();
  readonly toasts = new Toasts();
  readonly chats: Chats;
  readonly models: Models;
  readonly machine: Machine;
  readonly settings: SettingsState;
  notice = $state.raw<StorageNotice | null>(null);
  /** Whether a person who is new here has left the welcome, or needs none. */
  welcomed = $state(false);

  constructor(
    readonly backend: Backend,
    readonly facts: StartState,
  ) {
    const report = (error: AppError) => this.toasts.error(error);
    this.chats = new Chats(backend, report);
    this.models = new Models(backend, report);
    this.machine = new Machine(backend);
    this.settings = new SettingsState(backend, facts.settings, report);
    this.notice = facts.notice;
  }

  /** Reads the lists; the window is usable once it resolves. */
  async start(): Promise<void> {
    await Promise.all([this.chats.start(), this.models.start()]);
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

  /** Asks for a model file; when there was no model in use, the new one is. */
  async importModel(): Promise<void> {
    const model = await this.models.import();
    if (model) {
      this.welcomed = true;
      this.toasts.show(t.models.imported(model.info.name));
      if (this.settings.current.modelId === null) {
        await this.models.select(model.id);
      }
    } else if (this.models.importError && this.models.library.length > 0) {
      this.toasts.error(this.models.importError);
    }
  }

  /** Shows a model's file on the Hub, in the browser. */
  openModelPage(repository: string, file: string) {
    this.openLink(`https://huggingface.co/${repository}/blob/main/${file}`);
  }

  openLink(url: string) {
    this.backend.app.openLink(url).catch((error: AppError) => {
      this.toasts.error(error);
    });
  }
}

export const [useApp, provideApp] = createContext<App>();
