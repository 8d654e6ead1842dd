import { expect, it } from "vitest";
import { addressParts } from "./address";

it("tells the host from the rest of an address", () => {
  expect(addressParts("https://example.org/a?b=1#c")).toEqual({
    before: "https://",
    host: "example.org",
    after: "/a?b=1#c",
  });
  expect(addressParts("http://127.0.0.1:8080").host).toBe("127.0.0.1:8080");
  expect(addressParts("mailto:ann@example.org?subject=Hi")).toEqual({
    before: "mailto:",
    host: "",
    after: "ann@example.org?subject=Hi",
  });
});

it("writes a host as it is asked for, whatever it looks like", () => {
  // The first letter is Cyrillic.
  expect(addressParts("https://\u0440aypal.com/").host).toBe(
    "xn--aypal-uye.com",
  );
  expect(addressParts("https://example.org/\u202Emoc.live").after).toBe(
    "/%E2%80%AEmoc.live",
  );
  // What stands before an @ is no host.
  expect(addressParts("https://example.org@live.test/").host).toBe("live.test");
});
