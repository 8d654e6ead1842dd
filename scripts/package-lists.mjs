// Which system packages Wick needs, how each is recognised, and what the distributions call it. No side effects.

/** What has to be there, for `start` (build and run) or `test` (everything `npm test` adds). */
const requirements = [
  {
    what: "a C and C++ compiler",
    purposes: ["start", "test"],
    found: (probe) =>
      probe.program("cc") && probe.program("c++") && probe.program("make"),
    packages: {
      debian: ["build-essential"],
      fedora: ["gcc", "gcc-c++", "make"],
      arch: ["base-devel"],
      suse: ["gcc", "gcc-c++", "make"],
    },
  },
  {
    what: "pkg-config",
    purposes: ["start", "test"],
    found: (probe) => probe.program("pkg-config"),
    packages: {
      debian: ["pkg-config"],
      fedora: ["pkgconf-pkg-config"],
      arch: ["pkgconf"],
      suse: ["pkg-config"],
    },
  },
  {
    what: "WebKitGTK 4.1, which draws the window",
    purposes: ["start", "test"],
    found: (probe) => probe.library("webkit2gtk-4.1"),
    // dnf and zypper find a package by what it provides, whatever a release calls it.
    packages: {
      debian: ["libwebkit2gtk-4.1-dev"],
      fedora: ["'pkgconfig(webkit2gtk-4.1)'"],
      arch: ["webkit2gtk-4.1"],
      suse: ["'pkgconfig(webkit2gtk-4.1)'"],
    },
  },
  {
    what: "pip, which fetches the starter model",
    purposes: ["starter-model"],
    found: (probe) => probe.pip(),
    optional: true,
    packages: {
      debian: ["python3-pip"],
      fedora: ["python3-pip"],
      arch: ["python-pip"],
      suse: ["python3-pip"],
    },
  },
  {
    what: "Xvfb, a display without a screen",
    purposes: ["test"],
    found: (probe) => probe.program("Xvfb") && probe.program("xvfb-run"),
    packages: {
      debian: ["xvfb"],
      fedora: ["xorg-x11-server-Xvfb"],
      arch: ["xorg-server-xvfb"],
      suse: ["/usr/bin/Xvfb", "/usr/bin/xvfb-run"],
    },
  },
  {
    what: "xauth, which xvfb-run calls",
    purposes: ["test"],
    found: (probe) => probe.program("xauth"),
    packages: {
      debian: ["xauth"],
      fedora: ["xorg-x11-xauth"],
      arch: ["xorg-xauth"],
      suse: ["xauth"],
    },
  },
  {
    what: "WebKitWebDriver, which drives the window",
    purposes: ["test"],
    found: (probe) => probe.program("WebKitWebDriver"),
    packages: {
      debian: ["webkit2gtk-driver"],
      fedora: ["/usr/bin/WebKitWebDriver"],
      arch: ["webkitgtk-6.0"],
      suse: ["/usr/bin/WebKitWebDriver"],
    },
  },
  {
    what: "Chromium, for the tests of the interface",
    purposes: ["test"],
    found: (probe) =>
      [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
      ].some((name) => probe.program(name)),
    packages: {
      debian: ["chromium"],
      fedora: ["chromium"],
      arch: ["chromium"],
      suse: ["chromium"],
    },
  },
];

const installCommands = {
  debian: "apt-get install -y --no-install-recommends",
  fedora: "dnf install -y",
  arch: "pacman -S --needed",
  suse: "zypper install",
};

const families = {
  debian: ["debian", "ubuntu"],
  fedora: ["fedora", "rhel", "centos"],
  arch: ["arch"],
  suse: ["suse", "opensuse", "sles"],
};

/** The family a Linux distribution belongs to, from the text of /etc/os-release; null when it is none we know. */
export function distributionFamily(osRelease) {
  const value = (key) =>
    osRelease
      .match(new RegExp(`^${key}=(.*)$`, "m"))?.[1]
      .replaceAll('"', "")
      .toLowerCase() ?? "";
  const names = `${value("ID")} ${value("ID_LIKE")}`
    .split(/[\s-]+/)
    .filter(Boolean);
  for (const name of names) {
    for (const [family, members] of Object.entries(families)) {
      if (members.includes(name)) return family;
    }
  }
  return null;
}

/** The requirements of these purposes that the probe does not find. */
export function missingRequirements(purposes, probe) {
  return requirements.filter(
    (each) =>
      each.purposes.some((purpose) => purposes.includes(purpose)) &&
      !each.found(probe),
  );
}

/** The names of the packages that bring the missing requirements, in the family's words. */
export function packagesFor(missing, family) {
  return missing.flatMap((each) => each.packages[family]);
}

/** The command a person types to install them, without the `sudo` in front. */
export function installCommand(missing, family) {
  return `${installCommands[family]} ${packagesFor(missing, family).join(" ")}`;
}

/** Whether `found` (such as `1.95.0-nightly`) is at least `wanted` (such as `1.95`). */
export function isAtLeast(found, wanted) {
  const numbers = (version) =>
    version
      .match(/\d+(\.\d+)*/)[0]
      .split(".")
      .map(Number);
  const [have, need] = [numbers(found), numbers(wanted)];
  for (const [index, part] of need.entries()) {
    if ((have[index] ?? 0) !== part) return (have[index] ?? 0) > part;
  }
  return true;
}
