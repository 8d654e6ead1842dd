// Which view is shown, and whether the chats are, where there is no room for both.
export type View = "chat" | "models" | "machine" | "settings";
export type ModelsTab = "machine" | "hub" | "installed" | "compare";

export class Navigation {
  view = $state<View>("chat");
  modelsTab = $state<ModelsTab>("machine");
  /** The section of the settings to show first. */
  settingsSection: string | null = null;
  /** Matters under 980 px only; above, the sidebar always stands. */
  sidebarOpen = $state(false);

  showModels(tab: ModelsTab) {
    this.modelsTab = tab;
    this.view = "models";
    this.sidebarOpen = false;
  }
}
