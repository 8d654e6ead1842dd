// Which view is shown, and whether the chats are, where there is no room for both.
export type View = "chat" | "machine" | "settings";

export class Navigation {
  view = $state<View>("chat");
  /** Matters under 980 px only; above, the sidebar always stands. */
  sidebarOpen = $state(false);
}
