/** The words about voice, in English; a part of the catalogue. */
import type { VoiceEditing, VoiceHindrance, VoiceKept, VoiceState } from "../ipc";

type Hindrances = Record<VoiceHindrance["kind"], (about: string, more: string) => string>;

export const voiceInEnglish = {
  title: "Voice",
  lead: "Say a trigger, then what you want. This computer listens by itself: sound never leaves it, only the words go to your gateway.",
  state: {
    off: "Off",
    starting: "Getting ready…",
    listening: "Listening for a trigger",
    ready: "Ready for push-to-talk",
    capturing: "Listening to you",
    paused: "Paused: something waits for you first",
    hindered: "Not listening",
  } satisfies Record<VoiceState, string>,
  hindrance: {
    notBuilt: (engine) => `This version of the app does not include ${engine}.`,
    otherSystem: (engine) => `${engine} is there on Linux only. Choose Whisper.`,
    noLibrary: (library, pack) =>
      `PocketSphinx is not installed (${library}). On Debian and Ubuntu: sudo apt install ${pack} pocketsphinx-en-us`,
    otherVersion: (library) =>
      `${library} is another version than this app knows. Install the one your system packages.`,
    noModel: () => "There is no speech model yet. Download one below, or choose a file.",
    badModel: (file) => `The speech model ${file} cannot be loaded. Choose another one.`,
    engineStopped: () => "The speech engine stopped. It is started again by itself.",
    noMicrophone: () => "No microphone is connected. Connect one; it is found by itself.",
    microphoneDenied: () =>
      "The system does not let this app use the microphone. Allow it in the system's privacy settings.",
    microphoneBusy: (name) => `${name} is used by another program. Close that, or choose another.`,
    microphoneGone: (name) => `${name} does not answer any more. It is looked for again by itself.`,
    microphoneFailed: (name, why) => `${name} could not be opened: ${why}`,
  } satisfies Hindrances as Hindrances,

  wake: "Voice wake",
  wakeHint: "Listens all the time for the triggers below, and for nothing else.",
  pushToTalk: "Push-to-talk",
  pushToTalkHint: "A button beside the message field: what you say while it is held is sent.",
  chimes: "Sounds",
  chimesHint: "Two short tones: one when it listens to you, one when it sends.",

  triggers: "Triggers",
  triggersHint: "They belong to the gateway: every device of yours listens for the same ones.",
  triggersUnknown: "The gateway has not told them yet.",
  triggersOffline: "They can be changed once the gateway is connected.",
  trigger: (number: number) => `Trigger ${number}`,
  triggerRemove: (words: string) => `Remove ${words}`,
  triggerAdd: "Add a trigger",
  triggersSave: "Save on the gateway",
  triggersSaving: "Saving…",
  triggersSaved: "Saved on the gateway",
  triggersUsual: "Use the usual ones",
  triggerNotRecognised: "not recognised by this engine",
  routes: "Where it goes",
  routesHint: "As the gateway says; it is changed there.",
  routeOthers: "Everything else",
  routeCurrent: "the conversation you look at",

  microphone: "Microphone",
  microphoneDefault: (name: string) =>
    name === "" ? "The system's own choice" : `The system's own choice (${name})`,
  microphoneAway: (name: string) => `${name} (not connected)`,
  microphoneFallback: (name: string) =>
    `The chosen one is not there, so ${name} is used until it is back.`,
  level: "Level",
  levelOff: "Shown while it listens, and while you try it out.",

  engine: "Speech engine",
  engines: { pocketSphinx: "PocketSphinx", whisper: "Whisper" },
  engineHint: {
    pocketSphinx: "Small and quick, English only. Comes with the system's packages.",
    whisper: "Any trigger, many languages, with a model that you download once.",
  },
  language: "Language",
  languageDetect: "Detect it",
  model: "Model",
  models: "Models",
  modelsHint:
    "From the publisher's own list (huggingface.co/ggerganov/whisper.cpp), licence MIT. Only what has the published checksum is used. We have heard none of them ourselves.",
  modelUse: "Use",
  modelUseNamed: (name: string) => `Use the model ${name}`,
  modelInUse: "in use",
  modelGet: "Download",
  modelGetNamed: (name: string) => `Download the model ${name}`,
  modelGoOn: "Go on",
  modelGoOnNamed: (name: string) => `Go on downloading the model ${name}`,
  modelStop: "Stop",
  modelStopNamed: (name: string) => `Stop downloading the model ${name}`,
  modelRemove: "Remove",
  modelRemoveNamed: (name: string) => `Remove the model ${name}`,
  modelProgress: (name: string) => `How far the download of ${name} is`,
  modelFacts: (mib: number, englishOnly: boolean) =>
    `${mib} MiB · ${englishOnly ? "English only" : "about a hundred languages"}`,
  modelBegun: (mib: number) => `${mib} MiB are here`,
  modelFile: (file: string) => `A file of your own: ${file}`,
  modelChoose: "Choose a file…",

  tester: "Try it out",
  testerHint: "Say a trigger and a few words. Nothing of it is sent.",
  testerStart: "Try it out",
  testerStop: "Stop",
  testerWaits: "Say a trigger…",
  testerHears: (words: string) => `Hears: ${words}`,
  testerUnderstood: (words: string) => `Understood: ${words}`,
  testerTrigger: (trigger: string) => `after “${trigger}”`,

  privacy: "What is kept",
  privacyText:
    "Nothing. Sound is in memory for the moment it is listened to, and your words until the gateway has them or you throw them away. No log holds what you said.",

  overlay: {
    label: "What you say",
    hide: "Hide",
    listening: "Listening…",
    settling: "One moment…",
    sending: "Sending…",
    waiting: (seconds: number) => `Waiting for the connection: ${seconds} s left`,
    sendsIn: (seconds: number) => `Sent in ${seconds} s`,
    editing: {
      edited: "Changed by you: it is sent when you say so.",
      microphoneLost: "The microphone went away. Is this all?",
      engineFailed: "The speech engine stopped. Is this all?",
      switchedOff: "Voice wake was turned off. Send it all the same?",
    } satisfies Record<VoiceEditing, string>,
    kept: {
      outage: () => "Not sent: the connection did not come back in time.",
      otherGateway: () => "Not sent: it was meant for another gateway. Change back to send it.",
      noGateway: () => "Not sent: no gateway was in use.",
      refused: (why) => `Not sent: ${why}`,
    } satisfies Record<VoiceKept, (why: string) => string> as Record<
      VoiceKept,
      (why: string) => string
    >,
    text: "Your words",
    empty: "Say what you want",
    after: (trigger: string) => `after “${trigger}”`,
    send: "Send now",
    cancel: "Cancel",
    retry: "Send again",
    discard: "Throw away",
    behind: (count: number) => (count === 1 ? "1 more waits" : `${count} more wait`),
  },
  talk: "Hold to talk",
  talking: "Release to send",
  spokenOn: (machine: string) => `said on ${machine}`,
};
