import { expect, it } from "vitest";
import { isProxyAddress, isSafeAddress } from "./addresses";

it("takes only addresses that nobody can read along on", () => {
  for (const good of [
    "https://hf-mirror.com",
    "http://127.0.0.1:8080",
    "http://localhost:1",
    "http://[::1]:8080/",
  ]) {
    expect(isSafeAddress(good), good).toBe(true);
  }
  for (const bad of [
    "http://hf-mirror.com",
    "hf-mirror.com",
    "ftp://hf-mirror.com",
    "https:",
    "javascript:alert(1)",
    "http://localhost.evil.com",
  ]) {
    expect(isSafeAddress(bad), bad).toBe(false);
  }
});

it("takes proxies of the three kinds", () => {
  for (const good of [
    "http://p:3128",
    "https://p",
    "socks5://127.0.0.1:1080",
  ]) {
    expect(isProxyAddress(good), good).toBe(true);
  }
  for (const bad of ["p:3128", "file:///etc", "proxy"]) {
    expect(isProxyAddress(bad), bad).toBe(false);
  }
});
