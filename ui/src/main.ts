// Chooses the backend and puts the interface on the page.
import { mount } from "svelte";
import "@fontsource-variable/inter";
import "@fontsource-variable/jetbrains-mono";
import "./app.css";
import "./markdown/markdown.css";
import AppView from "./App.svelte";
import type { Backend } from "./ipc/backend";
import { applyTheme } from "./settings/theme";

async function chooseBackend(): Promise<Backend> {
  if ("__TAURI_INTERNALS__" in window) {
    return (await import("./ipc/tauri")).tauriBackend;
  }
  const { fakeBackendFromAddress } = await import("./ipc/fake");
  return fakeBackendFromAddress(location.search);
}

// Before the settings are known, so that a dark desktop sees no white flash.
applyTheme("system");
const target = document.querySelector("#app");
if (target) {
  mount(AppView, { target, props: { backend: await chooseBackend() } });
}
