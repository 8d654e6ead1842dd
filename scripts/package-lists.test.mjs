import assert from "node:assert/strict";
import { test } from "node:test";
import {
  distributionFamily,
  installCommand,
  isAtLeast,
  missingRequirements,
  packagesFor,
} from "./package-lists.mjs";

/** A machine with exactly these programs and libraries. */
function machine({ programs = [], libraries = [], pip = true } = {}) {
  return {
    program: (name) => programs.includes(name),
    library: (name) => libraries.includes(name),
    pip: () => pip,
  };
}

const ready = machine({
  programs: [
    "cc",
    "c++",
    "make",
    "pkg-config",
    "Xvfb",
    "xvfb-run",
    "xauth",
    "WebKitWebDriver",
    "google-chrome",
  ],
  libraries: ["webkit2gtk-4.1"],
});

test("a bare Debian machine is told every package it needs to start", () => {
  const missing = missingRequirements(["start"], machine());
  assert.deepEqual(packagesFor(missing, "debian"), [
    "build-essential",
    "pkg-config",
    "libwebkit2gtk-4.1-dev",
  ]);
});

test("testing needs a display, a driver and a browser more", () => {
  const programs = ["cc", "c++", "make", "pkg-config"];
  const missing = missingRequirements(
    ["start", "test"],
    machine({ programs, libraries: ["webkit2gtk-4.1"] }),
  );
  assert.deepEqual(packagesFor(missing, "debian"), [
    "xvfb",
    "xauth",
    "webkit2gtk-driver",
    "chromium",
  ]);
});

test("a machine that has everything misses nothing", () => {
  assert.deepEqual(
    missingRequirements(["start", "test", "starter-model"], ready),
    [],
  );
});

test("pip is asked for only when the starter model has to be fetched, and is never required", () => {
  const withoutPip = { ...ready, pip: () => false };
  assert.deepEqual(missingRequirements(["start", "test"], withoutPip), []);
  const missing = missingRequirements(["start", "starter-model"], withoutPip);
  assert.deepEqual(
    missing.map((each) => each.optional),
    [true],
  );
});

test("every requirement has a package in every family", () => {
  const missing = missingRequirements(
    ["start", "test", "starter-model"],
    machine({ pip: false }),
  );
  for (const family of ["debian", "fedora", "arch", "suse"]) {
    assert.equal(
      packagesFor(missing, family).includes(undefined),
      false,
      family,
    );
    for (const each of missing)
      assert.ok(each.packages[family].length > 0, `${each.what} on ${family}`);
  }
});

test("the command printed is the one the distribution knows", () => {
  const missing = missingRequirements(["start"], {
    ...ready,
    library: () => false,
  });
  assert.equal(
    installCommand(missing, "fedora"),
    "dnf install -y 'pkgconfig(webkit2gtk-4.1)'",
  );
  assert.equal(
    installCommand(missing, "arch"),
    "pacman -S --needed webkit2gtk-4.1",
  );
  assert.equal(
    installCommand(missing, "suse"),
    "zypper install 'pkgconfig(webkit2gtk-4.1)'",
  );
});

test("distributions are recognised by themselves or by their parents", () => {
  const cases = [
    ['NAME="Debian GNU/Linux"\nID=debian\n', "debian"],
    ["ID=ubuntu\nID_LIKE=debian\n", "debian"],
    ['ID=linuxmint\nID_LIKE="ubuntu debian"\n', "debian"],
    ["VERSION_ID=43\nID=fedora\n", "fedora"],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"\n', "fedora"],
    ["ID=manjaro\nID_LIKE=arch\n", "arch"],
    ['ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n', "suse"],
    ["ID=alpine\n", null],
    ["", null],
  ];
  for (const [text, family] of cases)
    assert.equal(distributionFamily(text), family, text);
});

test("versions are compared number by number", () => {
  assert.equal(isAtLeast("1.95.0", "1.95"), true);
  assert.equal(isAtLeast("1.100.0", "1.95"), true);
  assert.equal(isAtLeast("1.94.1", "1.95"), false);
  assert.equal(isAtLeast("2.0", "1.95"), true);
  assert.equal(isAtLeast("1.96.0-nightly", "1.95"), true);
  assert.equal(isAtLeast("20.18.3", "20.19"), false);
  assert.equal(isAtLeast("20", "20.19"), false);
});
