/** The only code of ours beside the page that its process runs: one function a message, and never the event itself. */
import { contextBridge, ipcRenderer, webUtils } from "electron";
import { BRIDGE, type DesktopBridge, type DesktopMessage, IPC } from "../api/bridge.js";

const bridge: DesktopBridge = {
  call: (id, channel, frame) => ipcRenderer.invoke(IPC.call, { id, channel, frame }),
  abandon: (id) => ipcRenderer.send(IPC.abandon, { id }),
  listen(listener) {
    ipcRenderer.removeAllListeners(IPC.message);
    ipcRenderer.on(IPC.message, (_event, message: DesktopMessage) => listener(message));
    ipcRenderer.send(IPC.listen);
  },
  retry: () => ipcRenderer.send(IPC.retry),
  chooseFolder: (choice) => ipcRenderer.invoke(IPC.chooseFolder, choice),
  pathOf: (file) => webUtils.getPathForFile(file as File),
};

contextBridge.exposeInMainWorld(BRIDGE, bridge);
