"""Published implementations, and where they are installed."""

import os
import subprocess
import sys

# What ws makes of a head depends on the version of Node.
PIP = ["websockets==17.4"]
NPM = ["ws@8.23.0", "node@24.21.0"]


def install(directory):
    """Installs them with pip and npm, for all programs that are started from here, and returns the path of Node."""
    packages = directory / "pip"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--root-user-action=ignore", "--target", packages, *PIP], check=True)
    subprocess.run(["npm", "install", "--silent", "--prefix", directory, *NPM], check=True)
    modules = directory / "node_modules"
    programs = modules / ".bin"
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    os.environ |= {"PYTHONPATH": str(packages), "NODE_PATH": str(modules), "PATH": path}
    return programs / "node"
