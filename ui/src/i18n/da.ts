/** Every word of the window, in Danish. */
import type { Cause, CheckStepId, Finding, LetInBy, Phase, SignInMethod, UserAction } from "../ipc";
import type { Span } from "../lib/duration";
import type { Catalogue } from "./catalogue";
import { voiceInDanish } from "./voice.da";

function span({ days, hours, minutes, seconds }: Span): string {
  if (days > 0) return `${days} d. ${hours} t.`;
  if (hours > 0) return `${hours} t. ${minutes} min.`;
  if (minutes > 0) return `${minutes} min.`;
  return `${seconds} sek.`;
}

const phase: Record<Phase, string> = {
  off: "Ikke forbundet",
  resolving: "Forbinder… (finder serveren)",
  connecting: "Forbinder… (kontakter serveren)",
  host_key: "Har brug for dig",
  authenticating: "Forbinder… (logger ind)",
  auth_prompt: "Har brug for dig",
  forwarding: "Forbinder… (åbner tunnelen)",
  gateway_check: "Forbinder… (spørger gatewayen)",
  up: "Forbundet",
  suspect: "Tjekker forbindelsen…",
  up_gateway_down: "Serveren svarer, gatewayen gør ikke",
  retry_wait: "Forbinder igen",
  paused: "Har brug for dig",
  stopped: "Stoppet",
};

const cause: Record<Cause, string> = {
  hostKeyUnknown: "Du har endnu ikke sagt, om serverens nøgle er den rigtige.",
  hostKeyChanged: "Serveren viser en anden nøgle end den, du stoler på.",
  hostKeyRevoked: "Serveren viser en nøgle, der er markeret som tilbagekaldt.",
  authRefused: "Serveren afviste alle måder at logge ind på.",
  promptCancelled: "Spørgsmålet blev lukket uden svar.",
  badTarget: "Adressen kan ikke bruges, som den er.",
  unsupportedOption: "Adressen kræver en SSH-indstilling, der ikke understøttes.",
  forwardProhibited: "Serveren lader dig logge ind, men forbyder videresendelse af porte.",
  tlsPin: "Gatewayens certifikat er ikke et, du stoler på.",
  token: "Gatewayen accepterede ikke tokenet.",
  pairing: "Gatewayen vil have denne computer godkendt først.",
  protocol: "Gatewayen taler en anden version af protokollen.",
  network: "Serveren kan ikke nås.",
  timeout: "Serveren var for længe om at svare.",
  closed: "Den anden side lukkede forbindelsen.",
  portTaken: "Ingen lokal port kunne åbnes.",
};

const action: Record<UserAction, string> = {
  editAddress: "Ret adressen",
  editSignIn: "Ret login",
  enterToken: "Indtast tokenet",
  editPorts: "Ret portene",
  tryAgain: "Prøv igen",
  signIn: "Log ind",
  reviewHostKey: "Se serverens nøgle",
  checkServer: "Tjek min server",
  showSettingsFile: "Vis fejlen",
  startGateway: "Start gatewayen",
  approveDevice: "Godkend denne enhed",
  openLog: "Åbn log",
};

const step: Record<CheckStepId, string> = {
  address: "Adresse",
  resolve: "Navn",
  tcp: "SSH-port",
  hostKey: "Servernøgle",
  login: "Login",
  forward: "Tunnel",
  gateway: "Gateway",
  access: "Token",
  health: "Helbred",
};

/** By the gateway's URL there is no SSH. */
const stepDirect: Record<CheckStepId, string> = {
  ...step,
  tcp: "Port",
  hostKey: "Certifikat",
};

/** What a problem is about, by name; a name that was not told stands for itself in general words. */
type About = (name: string, otherwise: string) => string;

/**
 * Danish sentences for the app's stable words. The app's own English stands in for the rest, and for
 * what says something that is not in the word, such as a file or a command.
 */
const problems: Readonly<Record<string, string | ((about: About) => string)>> = {
  voiceUnavailable: "Stemme kan ikke slås til endnu. Siden siger, hvad der mangler.",
  noShortcut:
    "De taster kan ikke bruges. Tryk på et bogstav, et tal eller mellemrum sammen med Ctrl, Alt eller Super, eller på en funktionstast.",
  shortcutTwice: "De taster bruger denne app allerede til noget andet.",
  noLanguage: "Det er ikke koden for et sprog, som for eksempel da.",
  modelNotRemoved: "Modellen blev ikke fjernet. Se efter, om den må slettes.",
  downloadFailed: "Der kan ikke hentes noget: Systemets certifikater kan ikke bruges.",
  downloadCut: "Hentningen blev afbrudt; den fortsætter derfra næste gang.",
  downloadRefused: "Serveren giver ikke filen fra sig.",
  downloadWrong: "Det, der kom, har en anden kontrolsum end den offentliggjorte; det er kasseret.",
  downloadTooLarge: "Det, der kommer, er større end offentliggjort; det er kasseret.",
  downloadDiskFull: "Disken er fuld; det, der var kommet, er fjernet igen.",
  downloadDisk: "Modellen kan ikke skrives på disken.",
  needsAdmin:
    "Det kræver administratorrettigheder på gatewayen, og dem har denne forbindelse ikke.",
  notServed: "Det kan denne gateway ikke.",
  filesWait:
    "Beskeden blev ikke taget imod: Filer, der venter, fylder allerede for meget. Prøv igen, når forbindelsen er tilbage.",
  attachmentsTooMany: "Beskeden blev ikke sendt: Den har for mange filer.",
  attachmentEmpty: "Beskeden blev ikke sendt: En af filerne er tom.",
  attachmentUnsupported: "Beskeden blev ikke sendt: Billeder skal være PNG, JPEG, GIF eller WebP.",
  pictureTooLarge: "Beskeden blev ikke sendt: Et af billederne er for stort til gatewayen.",
  attachmentTooLarge: "Beskeden blev ikke sendt: En af filerne er for stor til gatewayen.",
  attachmentsTooLarge: "Beskeden blev ikke sendt: Filerne er tilsammen for store.",
  filesLost: "Filerne gik tabt, da siden blev hentet igen. Vedhæft dem på ny.",
  ...cause,
  hostKeyUnknown: (about) =>
    `Nøglen fra ${about("host", "serveren")} er ikke kendt: ${about("fingerprint", "se den")}. Sammenlign den med serverens egen, og stol så på den.`,
  hostKeyChanged: (about) =>
    `${about("host", "Serveren")} viser en anden nøgle end den, du stoler på. Spørg serverens ejer, om den er geninstalleret. Er den ikke det, så lad være med at forbinde.`,
  authRefused: (about) =>
    `${about("host", "Serveren")} lukkede ikke ${about("user", "kontoen")} ind på nogen af måderne. Vælg en anden måde at logge ind på.`,
  pairingRequired: (about) =>
    `Gatewayen vil have denne enhed godkendt først. På serveren: ${about("command", "openclaw devices list")} – og prøv så igen.`,
  channelLoggedOut: (about) =>
    `Gatewayen virker, men ingen er logget ind på ${about("channel", "en kanal")}. Log ind dér igen.`,
  channelFails: (about) =>
    `Gatewayen virker, men ${about("channel", "en kanal")} svarede den ikke. Se i dens log.`,
  pluginsFailed: (about) =>
    `Gatewayen virker, men kunne ikke indlæse alle plugins (${about("count", "1")}). Se i dens log.`,
  checkTimeout: (about) => `Tjekket blev stoppet efter ${about("seconds", "20")} s.`,
  healthUnknown: "Gatewayen sagde ikke, hvordan den har det.",
  deviceKeyUnusable: "Denne enheds nøgle kan ikke hentes. Se efter, om nøgleringen er låst op.",
  keychainUnusable: "Gatewayens token kunne ikke læses i nøgleringen. Lås den op, og prøv igen.",
  forwardRefused: (about) =>
    `Serveren åbnede ikke port ${about("port", "18789")}. Ret porten, eller spørg serverens ejer.`,
  gatewayConfiguration:
    "Gatewayens egen konfiguration holder appen ude. Bed dens ejer køre openclaw doctor der.",
  gatewayNotAnswering: "Gatewayen svarer ikke endnu.",
  gatewayRefused: "Gatewayen afviste forbindelsen lige nu. Det kan hjælpe at prøve igen.",
  gatewayUnreadable: "Gatewayen svarede på en måde, som appen ikke kan læse.",
  hostKeyNeedsAuthority:
    "Serveren kendes kun på sit certifikat, og det duer ikke. Bed dens ejer om et godt, eller skriv dens egen nøgle i known_hosts.",
  hostKeyNotListed:
    "Serverens nøgle er ikke kendt, og SSH-konfigurationen tillader ingen nye. Skriv den i known_hosts, eller lad appen spørge.",
  hostNameDiffers: "Skriv værtsnavnet præcis, som det står her.",
  answerDoesNotFit: "Det er ikke et svar på det, der blev spurgt om.",
  keyFileUnusable: (about) =>
    `Nøglefilen ${about("file", "")} kan ikke bruges. Vælg en privat nøgle, der kan læses.`,
  knownHostsUnusable: "Listen over kendte servernøgler (known_hosts) kan ikke læses eller skrives.",
  logNotFound: "Gatewayens log blev ikke fundet, hvor den plejer at være.",
  noLocalGateway: "Der er ingen gateway på denne computer.",
  nothingGiven: "Der er intet at logge ind på gatewayen med. Indtast dens token.",
  pathDead: "Forbindelsen til serveren svarer ikke længere.",
  proxyRefused:
    "Gatewayen stoler ikke på proxyen foran den. Bed dens ejer skrive den under gateway.trustedProxies.",
  requestTooLarge: "Det, appen ville logge ind på gatewayen med, er for stort.",
  secretNotFound: "Der er intet token og ingen adgangskode i gatewayens filer.",
  serverCommandFailed: "Kommandoen på serveren endte med en fejl. Se, hvad den skrev.",
  sshConfigUnusable:
    "SSH-konfigurationen kan ikke følges. Ret den, eller skriv en adresse, som den intet siger om.",
  tokenNotKept: "Tokenet kunne ikke gemmes i nøgleringen.",
  wayBlocked: (about) =>
    `Vejen til serveren er spærret ved ${about("hop", about("host", "en server undervejs"))}. Se efter, om den er tændt og tillader videresendelse af porte.`,
  weakEncryption:
    "Serveren krypterer på en måde, der kan pilles ved (Terrapin). Få dens SSH opdateret.",
  pageAnswers: "Gatewayen svarer.",
  pageNoGateway: "Det, der svarer her, er ingen gateway.",
  pageNotSignedIn: "Denne browser er ikke logget ind.",
  pageSignedIn: "Denne browser er logget ind.",
  pageWell: "Gatewayen har det godt.",
  pageNotWell: "Gatewayen siger, at noget i den ikke virker.",
  pageNoAnswer: "Gatewayen svarede ikke.",
  nameNotFound: (about) =>
    `Navnet ${about("host", "på serveren")} findes ikke. Ret adressen, eller tjek dit netværk.`,
  serverUnreachable: (about) =>
    `${about("host", "Serveren")} kan ikke nås på port ${about("port", "22")}. Tjek, at den er tændt, og at SSH-porten er rigtig.`,
  serverTimeout: (about) =>
    `Serveren svarede ikke inden for ${about("seconds", "få")} s. Tjek, at den er tændt og kan nås.`,
  serverClosed: "Serveren lukkede forbindelsen.",
  notSsh: (about) =>
    `Det, der svarer på port ${about("port", "22")}, er ikke en SSH-server, vi kan tale med. Ret adressen.`,
  hostKeyNotDemanded: "Serveren viser en anden nøgle end den, du lige har sagt ja til.",
  signInNeedsAnswer: "Serveren vil have et svar, før den lader dig logge ind.",
  pathLost: "Forbindelsen til serveren røg.",
  forwardTimeout: (about) =>
    `Serveren åbnede ikke port ${about("port", "18789")} i tide. Den har måske travlt.`,
  gatewayNotRunning: (about) =>
    `Serveren kan nås, men intet svarer på gatewayens port ${about("port", "18789")}. Start gatewayen der, eller ret porten.`,
  notOpenClaw: (about) =>
    `Det, der svarer på port ${about("port", "18789")}, er ikke en OpenClaw-gateway. Intet hemmeligt er sendt til den. Ret porten.`,
  gatewayLost: "Gatewayen afbrød forbindelsen; den genstarter nok.",
  gatewayTimeout: "Gatewayen svarede ikke i tide. Den er måske ved at starte.",
  gatewayClosed: "Gatewayen lukkede forbindelsen.",
  sessionLost: "Forbindelsen til gatewayen sluttede.",
  protocolMismatch:
    "Appen og gatewayen er for langt fra hinanden i alder. Opdater den, der er ældst.",
  tokenMissing: "Gatewayen beder om sit token. Indtast det i indstillingerne.",
  tokenRefused: "Gatewayen afviste tokenet. Indtast det, serveren bruger nu.",
  passwordRefused: "Gatewayen afviste adgangskoden eller mangler den.",
  rateLimited: "Gatewayen har talt for mange mislykkede forsøg. Prøv igen om nogle minutter.",
  serverRunsNoCommands:
    "Serveren kører ingen kommandoer for denne konto. Spørg dens ejer, eller gør det der i hånden.",
  serverHasNoOpenclaw:
    "Serveren har intet openclaw, hvor det plejer at være installeret, og ingen tjeneste af det navn, eller programmet starter ikke uden et login (nvm lægger det, hvor kun et login finder det). Gør det der i hånden.",
  serverCommandTooLong: "Det blev ikke færdigt i tide og blev stoppet. Serveren har måske travlt.",
  serverCommandLost:
    "Hvad der blev af kommandoen, vides ikke: forbindelsen til serveren røg, eller den begyndte ikke.",
  nothingToApprove:
    "Gatewayen har ikke nævnt nogen anmodning fra denne enhed, der kan godkendes. Prøv at forbinde igen.",
  repairStopped: "Det blev stoppet. Det, der var gjort indtil da, er gjort.",
  gatewayDegraded: "Gatewayen virker, men melder, at noget i den ikke gør. Se i dens log.",
  setupCodeRefused:
    "Gatewayen tager ikke imod denne opsætningskode: den er brugt, eller dens tid er gået. Bed om en ny, eller indtast gatewayens token.",
  invitationTooLong: "Det er for langt til at være en opsætningskode eller et link.",
  invitationUnreadable:
    "Det er hverken en opsætningskode eller et openclaw://-link. Måske mangler der noget: kopiér det hele igen.",
  invitationAnotherLink: "Dette openclaw://-link fører ikke til en gateway, så intet er gjort.",
  invitationSecretInLink:
    "Et link af denne slags må ikke bære et token eller en adgangskode. Bed om en opsætningskode.",
  invitationAmbiguous: "Linket nævner det samme to gange, så det er uklart, hvor det fører hen.",
  invitationBadPlace: "Opsætningskoden eller linket nævner ingen adresse, der kan bruges.",
  invitationPlain:
    "Opsætningskoden eller linket fører over ws:// til en vært, der ikke er privat, hvor alle kunne lytte med. Bed om en med wss://.",
  invitationBadSecret:
    "Det, som opsætningskoden eller linket bringer til at logge ind med, kan ikke bruges. Bed om en ny.",
  invitationNotKept: "Det, der fulgte med til at logge ind med, kunne ikke gemmes.",
  invitationGone: "Opsætningskoden eller linket er ikke længere åbent. Indsæt eller åbn det igen.",
  administratorNeedsToken:
    "Kun gatewayens token eller adgangskode gør nogen til dens administrator, og appen har ingen af dem. Hent eller indtast tokenet, eller tillad det på selve serveren.",
  administratorRefused:
    "Gatewayen gav ikke appen en administrators rettigheder. Tillad det på selve serveren, eller fra en enhed, der må administrere den.",
  keptNotRead: "Det, der er gemt, kunne ikke læses i nøgleringen. Lås den op, og prøv igen.",
  keptNotDeleted: "Det blev ikke slettet. Lås nøgleringen op, og prøv igen.",
  knownHostsNotRemoved: "Listen over servere, du stoler på, blev ikke fjernet.",
  deviceRemoved:
    "Gatewayen har fjernet denne enhed. Indtast gatewayens token for at logge ind igen.",
  reportNotMade: "Rapporten kunne ikke laves, da en logfil ikke kan læses. Prøv igen.",
  reportNotSaved:
    "Rapporten blev ikke gemt. Se, om der er plads på disken, og om du må skrive i mappen, og prøv igen.",
  reportGone: "Denne rapport er her ikke mere. Lav en ny.",
  linkRefused: "Denne adresse kan ikke åbnes herfra.",
  linkNotOpened: "Intet program, der åbner denne adresse, kunne startes.",
  messageNotWhole: "Gatewayen har ikke denne besked mere, eller ikke hele den.",
  folderNotOpened: "Intet program, der viser mapper, kunne startes. Åbn mappen selv.",
  openclawNothingToWrite:
    "Intet blev skrevet: indstillingerne nævner ingen gateway på en anden computer, der kan nås.",
  openclawNoPlace:
    "Intet blev skrevet: der er intet sted til openclaw.json, da ingen kender din hjemmemappe.",
  openclawUnreadable: "Intet blev skrevet: openclaw.json kan ikke læses. Ret den først.",
  openclawIncludes:
    "Intet blev skrevet: openclaw.json henter dele fra andre filer ($include). Ret den i hånden.",
  openclawNoRoom:
    "Intet blev skrevet: gateway eller gateway.remote i openclaw.json er ikke et objekt. Ret den i hånden.",
  openclawConflict:
    "Intet blev skrevet: nogen har ændret openclaw.json imens. Se på ændringen igen.",
  openclawLink: "Intet blev skrevet: openclaw.json er et link, der ikke fører nogen steder hen.",
  openclawNotWritten:
    "Intet blev skrevet. Se, om der er plads på disken, og om du må skrive i mappen, og prøv igen.",
  changeGone: "Denne ændring vises ikke længere. Se på den igen.",
  browserTokenRefused:
    "Gatewayen afviste det. Indsæt det token eller den adgangskode, som den blev startet med.",
  browserLocked: "For mange logins er mislykkedes. Vent nogle minutter, og prøv igen.",
  browserOrigin:
    "Gatewayen viser ingen sider under denne adresse. Åbn den adresse, som gatewayen skrev.",
  browserProtocol: "Siden er ældre eller nyere end gatewayen. Indlæs siden igen.",
  browserCodeUsed:
    "Dette link har allerede logget nogen ind. Lav et nyt med openclaw dashboard på gatewayens computer, eller indsæt tokenet.",
  browserCodeExpired:
    "Dette link gjaldt kun et minut. Lav et nyt med openclaw dashboard på gatewayens computer, eller indsæt tokenet.",
  browserCodeElsewhere:
    "Links logger kun ind på gatewayens egen computer. Indsæt gatewayens token her.",
  browserCodeUnknown:
    "Gatewayen kender ikke dette link. Lav et nyt med openclaw dashboard på gatewayens computer, eller indsæt tokenet.",
  browserInsecure:
    "Browsere giver ikke sider over almindelig HTTP fra en anden computer nøgler at logge ind med. Åbn siden på gatewayens egen computer eller gennem en SSH-tunnel til den.",
  browserTooOld:
    "Denne browser kan ikke lave Ed25519-nøgler, som gatewayen kender en browser på. Brug Chrome 137, Firefox 129, Safari 17 eller nyere.",
  notConnected: "Der er ingen forbindelse til gatewayen.",
  connectionLost: "Forbindelsen til gatewayen røg, før den svarede.",
  noAnswer: "Gatewayen svarede ikke i tide.",
  requestGone: "Det blev afgjort et andet sted, eller tiden løb ud.",
  plainRefused:
    "ws:// ville bære tokenet og hver besked ubeskyttet til en vært, der ikke er privat. Skriv wss://, eller gå gennem SSH.",
  gatewayUnreachable:
    "Gatewayen kan ikke nås. Se efter, om den kører, og om den lytter ud over sin egen computer (gateway.bind).",
  notTls:
    "Det, der svarer dér, taler ikke TLS. Ret porten, eller skriv ws:// på et privat netværk.",
  tlsFailed: "TLS lykkedes ikke. Se på TLS-indstillingerne for gatewayen eller proxyen foran den.",
  certificateUnknown: (about) =>
    `Ingen, denne computer stoler på, står inde for gatewayens certifikat, ${about("fingerprint", "som den viser")}. Stol kun på det, hvis det er gatewayens.`,
  certificateChanged:
    "Gatewayen viser et andet certifikat end det fastlåste. Intet er sendt til den. Er det blevet fornyet, så stol på det nye.",
  certificateExpired: "Gatewayens certifikat er udløbet. Forny det dér, eller stil computerens ur.",
  certificateNotYetValid: "Gatewayens certifikat gælder ikke endnu. Stil denne computers ur.",
  certificateOtherName:
    "Certifikatet gælder et andet navn. Skriv adressen med det navn, det gælder.",
  certificateRevoked: "Gatewayens certifikat er trukket tilbage. Få det udskiftet dér.",
  certificateUnusable: "Gatewayens certifikat kan ikke bruges. Få det udskiftet dér.",
  keyNoKeychain:
    "Der er ingen nøglering at gemme nøglen i. Lås den op eller installer en, og prøv igen.",
  keyNotKept: "Nøglen kunne ikke gemmes i nøgleringen.",
  noSignInKey: "Appen har ingen nøgle til denne server.",
  keyNotProven:
    "Serveren lukkede ikke den nye nøgle ind, så linjen er fjernet igen. Oftest kan andre skrive i dens hjemmemappe eller .ssh, eller den tillader ingen nøgler.",
  keyLineLeft:
    "Serveren lukkede ikke den nye nøgle ind, og linjen kunne ikke fjernes igen fra ~/.ssh/authorized_keys dér.",
  noFileTransfer:
    "Serveren tilbyder ikke filoverførsel (SFTP). Dens ejer kan slå det til med linjen »Subsystem sftp internal-sftp« i sshd_config.",
  fileTransferUnusable: "Serverens filoverførsel kan ikke bruges.",
  serverFileDenied:
    "Serveren lod ikke kontoen gøre det. Se efter, hvem filen eller mappen tilhører.",
  serverDiskFull: "Serverens disk er fuld. Intet er ændret; gør plads dér, og prøv igen.",
  serverDiskReadOnly: "Serverens disk kan kun læses. Intet er ændret.",
  serverFileIsLink:
    "Mappen eller filen på serveren er et symbolsk link, som ikke følges. Erstat det med det, det peger på.",
  serverFileNotOurs: "Mappen eller filen på serveren tilhører en anden konto. Intet er ændret.",
  serverFileChanged: "Filen blev ændret på serveren samtidig. Prøv igen.",
  serverFilesTimeout: "Serverens filoverførsel svarede ikke i tide. Prøv igen.",
  questionGone: "Spørgsmålet er ikke åbent længere.",
};

function problemInDanish(
  code: string,
  message: string,
  facts: Readonly<Partial<Record<string, string>>>,
): string {
  const words = problems[code];
  if (words === undefined) return message;
  if (typeof words === "string") return words;
  return words((name, otherwise) => facts[name] ?? otherwise);
}

/** Hvor langt to ure er fra hinanden, i hele minutter. */
const minutes = (seconds: number) => Math.ceil(Math.abs(seconds) / 60);

const signInMethod: Record<SignInMethod, string> = {
  ownKey: "appens egen nøgle",
  agentKey: "nøgle fra agenten",
  keyFile: "nøglefil",
  certificate: "certifikat",
  answers: "svar på serverens spørgsmål",
  password: "adgangskode",
  nothing: "intet bevis",
};

const letInBy: Record<LetInBy, string> = {
  deviceToken: "denne enheds eget token",
  gatewayToken: "gatewayens token",
  gatewayPassword: "gatewayens adgangskode",
  nothing: "intet",
};

function clock(seconds: number): string {
  const count = minutes(seconds);
  const side = seconds > 0 ? "foran" : "bagud for";
  return ` Dens ur er ${count} ${count === 1 ? "minut" : "minutter"} ${side} denne computers: stil det, der er forkert.`;
}

function finding(found: Finding, message: string): string {
  switch (found.code) {
    case "addressRead":
      return `Adressen er ${found.address}.`;
    case "wayLed":
      return `SSH-konfigurationen fører ${found.way.replace(" through ", " gennem ")}.`;
    case "nameResolved":
      return found.count === 1
        ? `Navnet har adressen ${found.address}.`
        : `Navnet har ${found.count} adresser, først ${found.address}.`;
    case "portAnswers":
      return `Port ${found.port} svarer.`;
    case "hostKeyTrusted":
      return `Serverens nøgle er den, du stoler på, ${found.fingerprint}.`;
    case "certificatePinned":
      return "Certifikatet er det fastlåste.";
    case "certificateVouched":
      return "En myndighed, som denne computer stoler på, står inde for certifikatet.";
    case "signedIn":
      return `Serveren lukkede os ind med: ${[signInMethod[found.method], found.which].filter(Boolean).join(" ")}.`;
    case "forwardingAllowed":
      return "Serveren tillader videresendelse af porte.";
    case "forwardOpen":
      return `Serveren sender videre til sin port ${found.port}.`;
    case "gatewayAnswers":
      return `En OpenClaw-gateway svarer på port ${found.port}.`;
    case "letIn":
      return `Gateway ${found.version} lukkede os ind med: ${letInBy[found.by]}.${found.clockAheadS === null ? "" : clock(found.clockAheadS)}`;
    case "gatewayWell":
      return found.channels === 0
        ? "Gatewayen har det godt; ingen kanaler er sat op."
        : `Gatewayen har det godt med ${found.channels} ${found.channels === 1 ? "kanal" : "kanaler"}.`;
    case "problem":
      return problemInDanish(found.problem, message, found.facts);
  }
}

export const da: Catalogue = {
  language: "da",
  product: "OpenClaw Tray",

  nav: {
    label: "Sider",
    chat: "Chat",
    server: "Server",
    settings: "Indstillinger",
    skip: "Gå til indholdet",
    waiting: (count) => (count === 1 ? "1 besked venter" : `${count} beskeder venter`),
    asks: (count) =>
      count === 1 ? "1 anmodning venter på dig" : `${count} anmodninger venter på dig`,
  },

  sessions: {
    title: "Samtaler",
    list: "Liste over samtaler",
    open: "Vis samtalerne",
    close: "Luk",
    create: "Ny samtale",
    createOffline: "En ny samtale kan begyndes, når du er forbundet.",
    createWith: (agent) => `Ny samtale med ${agent}`,
    search: "Søg i samtaler",
    searchNone: (query) => `Ingen samtale indeholder “${query}”.`,
    group: {
      pinned: "Fastgjort",
      today: "I dag",
      yesterday: "I går",
      week: "De seneste 7 dage",
      older: "Ældre",
      background: "I baggrunden",
      archived: "Arkiveret",
    },
    main: "Hovedsamtale",
    mainOf: (agent) => `Hovedsamtale med ${agent}`,
    untitled: "Ny samtale",
    unread: "ulæst",
    working: "Agenten arbejder",
    failed: (why) => `Den seneste kørsel mislykkedes: ${why}`,
    asOf: (when) => `Pr. ${when}`,
    loading: "Henter samtalerne…",
    more: "Vis flere",
    hasMore: "Gatewayen har flere. Søg dér efter ældre.",
    actions: (title) => `Handlinger for ${title}`,
    rename: "Omdøb",
    renameField: "Samtalens navn",
    pin: "Fastgør",
    unpin: "Frigør",
    archive: "Arkivér",
    unarchive: "Tag ud af arkivet",
    markUnread: "Markér som ulæst",
    fork: "Kopiér til en ny samtale",
    delete: "Slet…",
    needsAdmin: "kræver administratorrettigheder",
    deleteTitle: (title) => `Slet “${title}”?`,
    deleteText:
      "Alle beskeder i den fjernes fra gatewayen, for dig og alle andre. Det kan ikke fortrydes.",
    deleteRunning: "Agenten arbejder i den og bliver stoppet.",
    deleteConfirm: "Slet samtalen",
    putAway: (title) => `“${title}” er arkiveret.`,
    undo: "Fortryd",
    model: "Sprogmodel",
    modelDefault: (model) => (model === "" ? "Standardmodel" : `Standard (${model})`),
    thinking: "Tænkning",
    thinkingDefault: (level) => (level === "" ? "Standard" : `Standard (${level})`),
    agent: "Agent",
    context: (percent) => `Kontekst: ${percent} % brugt`,
    contextTitle: "Kontekst",
    contextNumbers: (used, most) => `${used} af ${most} tokens`,
    contextText:
      "Det, modellen kan overskue i denne samtale. Når der ikke er mere plads, ser den ikke længere det ældste.",
    compact: "Komprimér",
    compactText: "Erstatter det, der er sagt, med et resumé, som modellen skriver.",
    compacting: "Skriver resumé…",
  },

  commands: {
    list: "Kommandoer",
    count: (count) => (count === 1 ? "1 kommando" : `${count} kommandoer`),
  },

  shortcuts: {
    title: "Tastaturgenveje",
    open: "Tastaturgenveje",
    close: "Luk",
    groupEverywhere: "Overalt",
    groupList: "I listen over samtaler",
    groupComposer: "Mens du skriver",
    newSession: "Ny samtale",
    search: "Søg i samtaler",
    shortcuts: "Vis denne liste",
    message: "Gå til beskedfeltet",
    larger: "Større tekst",
    smaller: "Mindre tekst",
    usualSize: "Tekst i normal størrelse",
    move: "Flyt dig gennem samtalerne",
    openOne: "Vis samtalen",
    rename: "Omdøb den",
    remove: "Slet den",
    menu: "Hvad man kan gøre med den",
    send: "Send",
    newLine: "Begynd en ny linje",
    command: "Vælg en kommando, når du har skrevet /",
    or: "eller",
  },

  state: {
    phase,
    cause,
    retryIn: (seconds, attempt) => `Forbinder igen om ${seconds} sek. (forsøg ${attempt})`,
    retryNow: (attempt) => `Forbinder igen nu (forsøg ${attempt})`,
    retry: (attempt) => `Forbinder igen (forsøg ${attempt})`,
    announce: (server, word) => `${server}: ${word}`,
    notSetUp: "Ikke sat op",
    thisComputer: "Denne computer",
  },

  action,
  voice: voiceInDanish,

  problem: (code, message) => problemInDanish(code, message, {}),
  finding,

  common: {
    cancel: "Annuller",
    copy: "Kopiér",
    copied: "Kopieret",
    copyFailed: "Kunne ikke kopiere",
    span,
    ms: (ms) => `${Math.round(ms)} ms`,
    megabytes: (count) => `${Math.round(count)} MB`,
    kilobytes: (bytes) => `${Math.max(1, Math.round(bytes / 1000))} kB`,
    close: "Luk",
    justNow: "lige nu",
    ago: (text) => `for ${text} siden`,
    failed: "Det lykkedes ikke. Prøv igen.",
  },

  server: {
    title: "Server",
    connect: "Forbind",
    disconnect: "Afbryd",
    reconnectNow: "Forbind igen nu",
    stopTrying: "Stop forsøget",
    setUp: "Sæt forbindelsen op",
    notSetUp:
      "Intet er sat op endnu. Fortæl, hvor OpenClaw kører, så viser siden, hvordan det går.",
    offHint: "Intet kører, før du forbinder.",
    answer: "Svar",
    wayThere: "Vejen derhen",
    check: "Tjek min server",
    checkAgain: "Tjek igen",
    cancelCheck: "Stop tjekket",
    neverChecked: "Ni trin fra adressen til gatewayens helbred. Intet bliver ændret.",
    neverCheckedHere: "Om gatewayen svarer, lukker denne browser ind og har det godt.",
    checkRunning: (step) => `Tjekker: ${step}…`,
    checkRunningFor: (step, seconds) => `Tjekker: ${step}… (${seconds} sek.)`,
    checkWell: "Alle trin er i orden",
    checkStopped: (step) => `Stoppede ved: ${step}`,
    checkDegraded: (step) => `Ikke helt i orden: ${step}`,
    checked: (when) => `tjekket ${when}`,
    steps: "Tjekkets trin",
    step,
    stepDirect,
    // The app's line is English but for names; theirs have no blanks.
    way: (way) => way.replace(" through ", " gennem "),
    status: {
      pending: "venter",
      running: "i gang",
      ok: "i orden",
      degraded: "ikke helt i orden",
      failed: "mislykkedes",
      needsUser: "har brug for dig",
      notReached: "ikke nået",
      notNeeded: "ikke nødvendigt",
    },
    gateway: "Gatewayen",
    gatewayEmpty: "Version, oppetid og adresse vises her, når den svarer.",
    version: "Version",
    runningFor: "Kører i",
    model: "Model",
    memory: "Hukommelse",
    conversations: "Samtaler",
    channels: "Kanaler",
    noChannels: "ingen; chat behøver ingen",
    channelState: { loggedOut: "ingen er logget ind", fails: "svarer ikke" },
    nodes: "Noder",
    noNodes: "ingen",
    nodeWaits: "venter på godkendelse",
    nodeAway: "ikke forbundet",
    present: "Forbundet til den",
    nobodyElse: "ingen",
    health: {
      word: {
        well: "Har det godt",
        degraded: "Har det ikke helt godt",
        loginNeeded: "Der skal logges ind",
      },
      fault: {
        unexplained: "Gatewayen siger, at noget i den ikke virker. Dens log siger mere.",
        channelLoggedOut: (channel) => `Ingen er logget ind på ${channel}.`,
        channelFails: (channel) => `${channel} svarer ikke gatewayen.`,
        pluginsFailed: (count) =>
          count === 1 ? "Et plugin blev ikke indlæst." : `${count} plugins blev ikke indlæst.`,
        modelsMissing: "Nogle agenter har ingen model, der kan køre.",
        busy: "Dens computer har meget travlt lige nu.",
      },
      told: (when) => `fortalt ${when}`,
      asOf: (when) => `som det var ${when}`,
      askedAgain: "Spurgt igen:",
    },
    uptime: "Forbundet i",
    ping: "Svartid",
    signedInWith: "Logget ind med",
    here: "På denne computer",
    hereOurs: (port) => `Kører i OpenClaw Tray (port ${port})`,
    hereFound: (port) => `Kørte allerede (port ${port}); bruges som den er`,
    credential: {
      deviceToken: "denne enheds token",
      gatewayToken: "gatewayens token",
      gatewayPassword: "gatewayens adgangskode",
      none: "intet; gatewayen beder ikke om noget",
    },
    localAddress: "Lokal adresse",
    copyLocalAddress: "Kopiér lokal adresse",
    portMoved: (wanted, holder) =>
      holder === null
        ? `Port ${wanted} bruges af et andet program, så denne bruges for nu.`
        : `Port ${wanted} bruges af ${holder}, så denne bruges for nu.`,
  },

  pairing: {
    wantsIn: {
      device: (name) => `${name} vil bruge din gateway`,
      node: (name) => `${name} tilbyder at køre kommandoer`,
    },
    wantsMore: (name) => `${name} vil kunne mere end før`,
    unnamed: { device: "En enhed uden navn", node: "En computer uden navn" },
    explain: {
      device:
        "Luk den kun ind, hvis den er din og spørger lige nu. Den kan læse, hvad dens rettigheder tillader.",
      node: "Agenter kan køre disse kommandoer der. Tillad det kun, hvis den er din og spørger lige nu.",
    },
    id: "Id",
    platform: "System",
    address: "Adresse",
    asked: "Spurgte",
    asksFor: { device: "Rettigheder:", node: "Kommandoer:" },
    needsAdmin:
      "Kun en administrator af gatewayen må tillade dette. Appen kan logge ind en gang til som administrator, kun til dette, og logger ud igen.",
    asAdmin: "Tillad som administrator",
    approve: { device: "Luk den ind", node: "Tillad disse kommandoer" },
    deny: "Afvis",
  },

  day: {
    title: "De sidste 24 timer",
    empty: "Intet er kendt endnu. Det fyldes, mens appen kører.",
    neverWanted: "Ingen forbindelse var ønsket",
    connectedShare: (share) => `Forbundet ${share} af tiden`,
    medianPing: (ping) => `svartid ${ping}`,
    attempts: (count) => `${count} forsøg`,
    moment: "Et tidspunkt i de sidste 24 timer",
    state: "Forbindelse",
    ping: (most) => `Svartid, op til ${most}`,
    tries: (most) => `Forsøg, op til ${most}`,
    standing: {
      connected: "forbundet",
      gatewayDown: "gatewayen svarede ikke",
      down: "ikke forbundet",
      unknown: "intet er kendt",
    },
  },

  history: {
    title: "Historik",
    empty: "Der er ikke sket noget endnu.",
    began: {
      start: "Forbinder",
      retry: "Prøver igen",
      networkChanged: "Prøver igen: netværket blev et andet",
      woke: "Prøver igen: computeren vågnede",
      asked: "Prøver igen, som du bad om",
      answered: "Fortsætter med dit svar",
      settings: "Forbinder med de nye indstillinger",
    },
    asksGateway: "Spørger gatewayen igen",
    stage: {
      name: "Navnet er fundet",
      reached: "Serveren er nået",
      hostKey: "Serveren beviste sin nøgle",
      certificate: "Gatewayen beviste sit certifikat",
      gatewayPort: "Gatewayens port er åbnet",
      hello: "Gatewayen sagde goddag",
    },
    signedIn: {
      ownKey: "Logget ind med appens egen nøgle",
      agentKey: "Logget ind med en nøgle fra agenten",
      keyFile: "Logget ind med nøglefilen",
      certificate: "Logget ind med et certifikat",
      answers: "Logget ind med dine svar",
      password: "Logget ind med adgangskoden",
      nothing: "Logget ind; serveren beder ikke om bevis",
    },
    onTheWay: (words, hop) => `${words} (mellemserver ${hop})`,
    failed: {
      retry: "Forsøget mislykkedes; der kommer et nyt",
      askGatewayAgain: "Gatewayen lukkede os ikke ind; den spørges igen",
      askPerson: "Forsøget standsede for at spørge dig",
      pause: "Forsøget mislykkedes; at vente hjælper ikke",
      stop: "Forsøget mislykkedes endeligt",
    },
    about: {
      hostKeyUnknown: "serverens nøgle",
      hostKeyChanged: "serverens ændrede nøgle",
      certificateUnknown: "gatewayens certifikat",
      certificateChanged: "gatewayens ændrede certifikat",
      passphrase: "nøglefilens adgangssætning",
      password: "adgangskoden",
      prompts: "serverens egne spørgsmål",
    },
    asked: (about) => `Du blev spurgt om ${about}`,
    answered: (about) => `Du svarede om ${about}`,
    questionClosed: (about) => `Du lukkede spørgsmålet om ${about}`,
    hostKeysRenewed: (count) =>
      count === 1 ? "Serveren beviste en ny nøgle" : `Serveren beviste ${count} nye nøgler`,
    requestsRefused: (count) =>
      count === 1
        ? "En forespørgsel til den lokale port blev afvist"
        : `${count} forespørgsler til den lokale port blev afvist`,
    listenerOpened: (port, wanted) =>
      wanted === null
        ? `Lokal port ${port} er åbnet`
        : `Lokal port ${port} er åbnet, da ${wanted} er optaget`,
    listenerClosed: (port) => `Lokal port ${port} er lukket`,
    localTunnelOpened: "Lokale programmer fik deres egen forbindelse",
    localTunnelAgain: "Lokale programmer fik en ny forbindelse",
    did: {
      attemptGivenUp: "Forsøget blev opgivet",
      connected: "Forbundet",
      pathLost: "Vejen til serveren gik tabt",
      sessionLost: "Sessionen med gatewayen sluttede",
      disconnected: "Afbrudt",
      probeSent: "Serveren blev spurgt, om den lever",
      probeOverdue: "Et svar lader vente på sig",
      probeAnswered: "Serveren svarede",
      woke: "Computeren vågnede",
      networkChanged: "Netværket blev et andet",
      settingsChanged: "Indstillingerne blev ændret",
      hostKeyLearned: "Serverens nøgle blev gemt",
      localTunnelSilent: "De lokale programmers forbindelse blev tavs og blev afsluttet",
      localTunnelShared: "Lokale programmer deler appens forbindelse",
    },
  },

  chat: {
    title: "Samtale",
    log: "Beskeder",
    composer: "Besked",
    placeholder: "Skriv til din agent",
    placeholderOffline: "Skriv nu; det sendes, når du er forbundet",
    send: "Send",
    stop: "Stop",
    stopReply: "Stop svaret",
    keyHint: "Enter sender, Skift+Enter giver en ny linje",
    latest: "Gå til det nyeste",
    earlier: "Hent tidligere beskeder",
    readingEarlier: "Henter tidligere beskeder…",
    you: "Dig",
    agent: "Agent",
    loading: "Henter samtalen…",
    emptyTitle: "Intet er sagt endnu",
    empty: "Det, du skriver, går til din egen agent på din egen server.",
    offlineTitle: "Ikke forbundet",
    offline: "Samtalen vises, når serveren svarer. Du kan allerede skrive.",
    notSetUp: "Fortæl, hvor OpenClaw kører, så vises din samtale her.",
    historyFailed: "Samtalen kunne ikke hentes.",
    readAgain: "Hent igen",
    stale: "Du ser samtalen, som den var før.",
    asOf: (when) => `Du ser samtalen, som den var ${when}.`,
    sending: "Sender…",
    queued: "Venter på forbindelsen",
    cancelSend: "Annuller",
    refused: "Ikke sendt.",
    retry: "Prøv igen",
    edit: "Ret",
    stopped: "Stoppet",
    runFailed: "Svaret mislykkedes.",
    tools: (count) => `Brugte ${count} værktøjer`,
    tool: "Værktøj",
    toolRunning: (name) => `Bruger ${name}…`,
    toolWorks: "arbejder",
    toolFailed: "mislykkedes",
    toolNoAnswer: "intet svar",
    toolsFailed: (failed, of) => (of === 1 ? "mislykkedes" : `${failed} mislykkedes`),
    toolArguments: "Kaldt med",
    toolResult: "Svar",
    thinking: "Tænker…",
    thought: "Tanker",
    retrying: (seconds, attempt, most) => {
      const which = most === 0 ? `${attempt}` : `${attempt} af ${most}`;
      const when = seconds === 0 ? "Prøver igen" : `Prøver igen om ${seconds} s`;
      return `Modellen svarede ikke. ${when} (${which})`;
    },
    working: "Arbejder…",
    find: "Find i samtalen",
    found: (at, of, more) => `${at} af ${of}${more ? "+" : ""}`,
    foundNothing: "Ikke fundet",
    findPrevious: "Forrige",
    findNext: "Næste",
    imageMissing: "Billedet vises ikke: for stort, eller ikke sendt med",
    cut: "Gatewayen sendte kun begyndelsen.",
    showWhole: "Vis hele beskeden",
    copyMessage: "Kopiér beskeden",
    quote: "Citér",
    code: "Kode",
    copyCode: "Kopiér kode",
    wrap: "Ombryd linjer",
    image: "Billede",
    table: "Tabel",
    done: "Gjort",
    open: "Ikke gjort",
    footnotes: "Fodnoter",
    footnote: (number) => `Fodnote ${number}`,
    footnoteBack: (number) => `Tilbage til stedet for fodnote ${number}`,
    openLink: "Åbn denne side?",
    writeTo: "Skriv til denne adresse?",
    linkPlain: "Vejen dertil er ikke krypteret.",
    openOutside: "Åbn i browseren",
    openMail: "Åbn i mailprogrammet",
    copyLink: "Kopiér adressen",
    today: "I dag",
    yesterday: "I går",
    runPhase: {
      preparing_workspace: "Gør arbejdsområdet klar…",
      preparing_context: "Sætter sig ind i sammenhængen…",
      starting_model: "Starter modellen…",
      naming_worktree: "Gør arbejdsområdet klar…",
      creating_worktree: "Gør arbejdsområdet klar…",
      running_setup: "Kører opsætningen…",
      provisioning_environment: "Gør miljøet klar…",
      retrying: "Modellen svarede ikke, prøver igen…",
    },
    preparing: "Forbereder…",
    writing: "Skriver…",
    interrupted: "Forbindelsen er væk; svaret hentes, når den er tilbage.",
  },

  quickChat: {
    open: "Åbn i chat",
    answer: "Svar",
    hint: "Spørg om noget. Esc lukker vinduet, og samtalen bliver.",
  },

  globalKeys: {
    title: "Taster, der virker overalt",
    quickChat: "Quick Chat",
    quickChatHint:
      "Henter Quick Chat frem, mens du bruger et andet program; et tryk mere lukker den.",
    pushToTalk: "Tast til tryk og tal",
    pushToTalkHint: "Hold den nede hvor som helst, og tal; slip den for at sende.",
    none: "Vælg taster…",
    press: "Tryk på tasterne… (Esc: fortryd)",
    shown: (keys) => keys.replaceAll("+", " + "),
    remove: (label) => `Ingen taster til ${label}`,
    problem: {
      taken: "Et andet program har de taster. Vælg nogle andre.",
      noSuchKey: "Dette tastatur har ikke den tast. Vælg en anden.",
    },
  },

  attachments: {
    label: "Vedhæftede filer",
    add: "Vedhæft filer",
    drop: "Slip filerne for at vedhæfte dem",
    remove: (name) => `Fjern ${name}`,
    picture: "Billede",
    file: "Fil",
    problem: {
      attachmentsTooMany: (_name, _size, most) => `En besked kan højst have ${most} filer.`,
      attachmentEmpty: (name) => `${name} er tom eller en mappe.`,
      attachmentUnsupported: (name) =>
        `${name} kan ikke sendes: billeder skal være PNG, JPEG, GIF eller WebP.`,
      pictureTooLarge: (name, size) =>
        `${name} er for stort. Gatewayen tager billeder på op til ${size}.`,
      attachmentTooLarge: (name, size) =>
        `${name} er for stor. Gatewayen tager filer på op til ${size}.`,
      attachmentsTooLarge: (name, size) =>
        `${name} er for meget ved siden af de andre. En besked kan have ${size}.`,
      attachmentUnreadable: (name) => `${name} kunne ikke læses.`,
    },
  },

  fetchSecret: {
    about:
      "Eller læs det på serveren: openclaw.json og .env i ~/.openclaw læses over SSH, intet køres dér, og tokenet går direkte i din nøglering.",
    fetch: "Hent det over SSH",
    works: "Henter…",
    found: {
      token: (at) => `Tokenet fra ${at} er i din nøglering nu.`,
      password: (at) => `Adgangskoden fra ${at} er i din nøglering nu.`,
      nothing: () => "Gatewayen dér beder ikke om noget.",
    },
  },

  repair: {
    title: {
      startGateway: (server) => `Start gatewayen på ${server}`,
      restartGateway: (server) => `Genstart gatewayen på ${server}`,
      approveDevice: (server) => `Godkend denne enhed på ${server}`,
    },
    lead: {
      startGateway: "Denne kommando starter gatewayens tjeneste:",
      restartGateway:
        "Denne kommando genstarter gatewayens tjeneste. Det, din agent er i gang med, får lov at blive færdigt, eller afbrydes efter nogle minutter:",
      approveDevice: "Denne kommando giver denne computer varig adgang til gatewayen:",
    },
    others: "Hvis den ikke findes",
    othersLead: "Disse prøves i denne rækkefølge, indtil en af dem findes:",
    after:
      "Den køres i din konto der, over SSH. Først bedes serveren gentage et ord (echo) for at se, om den kører kommandoer; bagefter tjekkes serveren igen.",
    run: (server) => `Kør den på ${server}`,
    stop: "Stop den",
    close: "Luk",
    again: "Prøv igen",
    restart: "Genstart…",
    output: "Det, kommandoen skriver",
    state: {
      signingIn: "Logger ind…",
      running: "Kører…",
      waiting: "Det lykkedes. Venter på, at gatewayen svarer…",
      checking: "Det lykkedes. Tjekker serveren…",
      failed: "Det blev ikke gjort.",
    },
    well: {
      startGateway: "Gatewayen kører, og alle trin i tjekket er i orden.",
      restartGateway: "Gatewayen kører igen, og alle trin i tjekket er i orden.",
      approveDevice: "Denne enhed er godkendt, og alle trin i tjekket er i orden.",
    },
    notWell: (step, why) =>
      `Kommandoen lykkedes, men tjekket stopper alligevel ved ${step}. ${why}`,
    unchecked: "Kommandoen lykkedes. Tjekket blev stoppet, så om det hjalp, vides ikke.",
  },

  gatewayLog: {
    open: "Åbn log",
    title: "Gatewayens log",
    reading: "Læser den…",
    empty: "Der står intet i den endnu.",
    copy: "Kopiér",
  },

  signInKey: {
    title: {
      offered: "Log ind uden adgangskode fremover",
      adding: "Log ind uden adgangskode fremover",
      added: "Adgangskoden er ikke nødvendig længere",
      removing: "Adgangskoden er ikke nødvendig længere",
      removed: "Nøglen er taget tilbage",
    },
    about: {
      offered: (server) =>
        `Denne computer får sin egen nøgle til ${server}. Den bliver i din nøglering, og adgangskoden glemmes, når nøglen har logget ind.`,
      adding: (server) => `Tilføjer linjen på ${server} og logger ind med nøglen…`,
      added: (server) => `Nøglen har logget ind på ${server}, og adgangskoden er glemt.`,
      removing: (server) => `Fjerner linjen på ${server} igen…`,
      removed: (server) =>
        `Linjen på ${server} og nøglen er væk. Næste gang bliver der spurgt om adgangskoden.`,
    },
    line: {
      before: "Denne ene linje tilføjes til ~/.ssh/authorized_keys dér:",
      after: "Denne linje står i ~/.ssh/authorized_keys dér:",
    },
    add: "Tilføj nøglen",
    adding: "Tilføjer…",
    undo: "Fortryd",
    removing: "Fjerner…",
    notNow: "Ikke nu",
    done: "Færdig",
  },

  requests: {
    title: "Det, din agent venter på",
    announce: (count) =>
      count === 1 ? "Din agent venter på din afgørelse" : `${count} afgørelser venter på dig`,
    anAgent: "En agent",
    wantsToRun: (agent) => `${agent} vil køre en kommando`,
    where: "På",
    onTheGateway: "gatewayens computer",
    onNode: (node) => `noden ${node}`,
    folder: "I",
    decision: { allowOnce: "Tillad denne gang", allowAlways: "Tillad altid", deny: "Afvis" },
    refusedIn: (span) =>
      span === null ? "Bliver afvist om lidt" : `Bliver afvist af sig selv om ${span}`,
    withdrawnIn: (span) =>
      span === null ? "Bliver trukket tilbage om lidt" : `Trækkes tilbage om ${span}`,
    asks: "Din agent spørger",
    answer: "Svar",
    dismiss: "Luk",
  },

  settings: {
    privacy: {
      title: "Privatliv og data",
      keychain: {
        available: "Hemmeligheder gemmes i systemets nøglering.",
        sessionOnly: "Der er ingen nøglering: hemmeligheder varer, til appen afsluttes.",
      },
      stored: "Det, der er gemt",
      nothing: "Ingen hemmelighed er gemt.",
      thisApp: "denne app",
      unnamed: "en gateway uden navn",
      kind: {
        gatewayToken: "Gatewayens token",
        gatewayPassword: "Gatewayens adgangskode",
        deviceKey: "Denne enheds nøgle",
        deviceToken: "Denne enheds token",
        keyPassphrase: "Adgangssætning til en nøglefil",
        sshPrivateKey: "Nøgle til serveren",
        singleUseCode: "Opsætningskode",
      },
      delete: "Slet",
      deleteItem: (kind, owner) => `Slet: ${kind}, ${owner}`,
      deleteTitle: (kind) => `Slet dette fra nøgleringen: ${kind}?`,
      lost: {
        gatewayToken:
          "Appen kan ikke længere logge ind på gatewayen med det. Du kan hente eller indtaste det igen.",
        gatewayPassword:
          "Appen kan ikke længere logge ind på gatewayen med den. Du kan indtaste den igen.",
        deviceKey:
          "Gateways kender enheden på den. Ved næste start laver appen en ny, og gateways vil måske have den godkendt igen.",
        deviceToken:
          "Gatewayen udsteder et nyt ved næste forbindelse, hvis appen stadig har dens token eller adgangskode.",
        keyPassphrase: "Du bliver spurgt om den, næste gang nøglefilen bruges.",
        sshPrivateKey:
          "Appen logger ind på serveren på en anden måde. Linjen i serverens authorized_keys bliver stående.",
        singleUseCode: "Den logger ingen ind mere. Bed om en ny, hvis du stadig skal bruge den.",
      },
      where: "Hvor det hele er",
      folder: {
        settings: "Indstillinger",
        data: "Data",
        logs: "Logfiler",
        server: "På serveren",
      },
      open: "Åbn",
      openFolder: (name) => `Åbn mappen: ${name}`,
      onServer:
        "Samtaler og alt, hvad agenter gør. Her gemmer appen det seneste af hver samtale til læsning, indtil du glemmer det.",
      forgetHistory: "Glem historikken",
      historyTitle: "Glem, hvad der er sket med forbindelsen?",
      historyLost:
        "Listen over hændelser og hver servers seneste 24 timer slettes her. Intet ændres på en server.",
      reset: "Nulstil appen",
      resetTitle: "Sæt appen tilbage til første start?",
      resetLost:
        "Indstillinger, gateways på listen, alt i nøgleringen, servernøgler, du stoler på, historikken og beskeder, der ikke er sendt, slettes på denne computer. Det, der er på dine servere, bliver, og det gør det, som gatewayen på denne computer gemmer, også.",
      about: "Om",
      version: (version) => `OpenClaw Tray ${version}`,
      licence: "MIT-licens. Licenserne for de biblioteker, den er lavet af, står i dens kildekode.",
      updates: "Den leder ikke efter opdateringer: hent nye udgaver dér, hvor du hentede denne.",
    },
    title: "Indstillinger",
    connection: "Forbindelse",
    runs: "OpenClaw kører på",
    runsChoice: {
      anotherComputer: "En anden computer",
      thisComputer: "Denne computer",
      notConfigured: "Jeg beslutter det senere",
    },
    runsHint: {
      anotherComputer: "En hjemmeserver, en stationær eller en lejet maskine.",
      thisComputer: "Gatewayen kører her og nås direkte.",
      notConfigured: "Intet bliver forbundet, før du vælger.",
    },
    transport: "Hvordan",
    transportChoice: { ssh: "Gennem SSH", direct: "Direkte" },
    transportHint: {
      ssh: "Krypteret, og du skal ikke sætte andet op end det, du logger ind med.",
      direct: "Med gatewayens egen URL: i dit netværk, dit tailnet eller bag en proxy.",
    },
    url: "Gatewayens URL",
    urlPlaceholder: "wss://hjemmeserver.example",
    urlHint: "wss:// overalt; ws:// kun til denne computer, private netværk og tailnet.",
    urlMissing: "Indtast gatewayens URL. Den begynder med wss:// eller ws://.",
    tlsFingerprint: "Certifikatets fingeraftryk",
    tlsFingerprintHint:
      "SHA-256. Med det bliver kun dette certifikat godtaget; uden det, hvad dit system stoler på.",
    address: "Adresse",
    addressPlaceholder: "mig@hjemmeserver",
    addressHint:
      "Indsæt hvad som helst: bruger@vært, vært:port, en hel ssh-kommando eller en opsætningskode.",
    addressDialled: (address) => `Forbinder til ${address}`,
    addressMissing: "Indtast adressen på den computer, OpenClaw kører på.",
    signIn: "Login",
    signInChoice: {
      automatic: "Automatisk",
      keyFile: "Nøglefil…",
      password: "Adgangskode",
    },
    signInHint: {
      automatic: "Din SSH-agent og dine sædvanlige nøgler, derefter hvad serveren beder om.",
      keyFile: "Én nøglefil. Der spørges om adgangssætningen, hvis den har en.",
      password: "Der spørges, når du forbinder, og den gemmes aldrig.",
    },
    identityFile: "Nøglefil",
    identityMissing: "Vælg den nøglefil, du vil logge ind med.",
    chooseFile: "Vælg…",
    token: "Gateway-token",
    tokenOptional: "valgfrit",
    tokenStored: "Gemt i nøgleringen",
    tokenStoredSession: "Beholdes, til du afslutter",
    tokenRemoved: "Fjernes, når du gemmer",
    tokenReplace: "Erstat…",
    tokenRemove: "Fjern",
    tokenKeep: "Behold det",
    tokenHint: "Kun nødvendigt, hvis gatewayen beder om et.",
    tokenWhere: "Hvor finder jeg det?",
    tokenWhereText:
      "Log ind på den computer, OpenClaw kører på, og kør denne kommando. Den skriver tokenet.",
    tokenCommand: "openclaw config get gateway.auth.token",
    advanced: "Avanceret",
    hostKeyPolicy: "Ukendte servernøgler",
    hostKeyPolicyChoice: { strict: "Spørg mig", openssh: "Som i SSH-konfigurationen" },
    hostKeyPolicyHint: {
      strict: "Du ser hver ny nøgle, før noget sendes.",
      openssh:
        "StrictHostKeyChecking bestemmer. En ændret nøgle stopper alt under alle omstændigheder.",
    },
    localPort: "Lokal port",
    localPortHint: "Andre programmer på denne computer når gatewayen her.",
    remotePort: "Gatewayens port",
    remotePortHint: "På den computer, OpenClaw kører på; normalt 18789.",
    portInvalid: "Indtast et tal fra 1 til 65535.",
    alsoRunHere: "Kør også en gateway på denne computer",
    alsoRunHereHint:
      "Programmer her finder den på den lokale port; tunnelen tager den næste ledige.",
    listener: "Åbn en lokal port til andre programmer",
    listenerHint: "Kommandolinjen og browseren bruger den. Dette vindue behøver den ikke.",
    connectOnLaunch: "Forbind, når appen starter",
    general: "Generelt",
    appearance: {
      language: "Sprog",
      languages: { system: "Som systemet", english: "English", danish: "Dansk" },
      textSize: "Tekststørrelse",
      textSizes: {
        small: "Lille",
        usual: "Normal",
        large: "Stor",
        larger: "Større",
        largest: "Størst",
      },
      theme: "Lys eller mørk",
      themes: { system: "Som systemet", light: "Lys", dark: "Mørk" },
    },
    gateways: {
      title: "Gateways",
      hint: "Én bruges ad gangen. Hver har sine egne indstillinger, hemmeligheder og beskeder.",
      unnamed: "Ny gateway",
      inUse: "i brug",
      undecided: "intet er valgt endnu",
      here: "på denne computer",
      overSsh: "gennem SSH",
      direct: "ved sin URL",
      waiting: (count) => (count === 1 ? "1 besked venter" : `${count} beskeder venter`),
      use: "Brug",
      useNamed: (name) => `Brug ${name}`,
      rename: "Omdøb",
      renameNamed: (name) => `Omdøb ${name}`,
      remove: "Fjern",
      removeNamed: (name) => `Fjern ${name}`,
      removeAsk: (name) => `Fjern ${name}?`,
      removeExplain:
        "Dens indstillinger forsvinder, og det, der er gemt for at komme ind: token, adgangskode, adgangssætning og den nøgle, appen logger på med. På serveren ændres intet.",
      removeWaiting: (count) =>
        count === 1
          ? "En besked, der venter på den, bliver aldrig sendt."
          : `${count} beskeder, der venter på den, bliver aldrig sendt.`,
      name: "Navn",
      nameHint: "Tomt: som dens server hedder.",
      add: "Tilføj en gateway",
      duplicate: "Kopiér denne",
    },
    startAtLogin: "Start ved login",
    startAtLoginHint: "Uden vindue; ikonet i panelet viser, at den kører.",
    notifications: {
      title: "Meddelelser",
      lead: "Der kommer ingen, mens du ser på vinduet, og ingen gentager det samme inden for ti minutter. De nævner din server og aldrig det, der blev sagt.",
      label: {
        needsYou: "Forbindelsen har brug for dig",
        lost: "Forbindelsen er tabt",
        restored: "Forbindelsen er tilbage",
        requests: "Nogen venter på din afgørelse",
        replies: "Et svar er færdigt",
      },
      hint: {
        needsYou: "En servernøgle, et login, et token eller en godkendelse af denne computer.",
        lost: "Når den har været væk i et halvt minut.",
        restored: "Når den havde været væk så længe.",
        requests: "En kommando, der skal godkendes, et spørgsmål, eller en enhed, der vil ind.",
        replies: "Mens du laver noget andet.",
      },
    },
    keptConversations: {
      title: "Samtaler på denne computer",
      about:
        "Det seneste af hver samtale, højst 50 MB i alt, gemmes i en fil, som kun du kan læse, så du kan læse det, mens din server ikke kan nås. Det, du har skrevet og ikke sendt, gemmes også dér.",
      forget: "Glem samtalerne",
      forgotten: "Glemt her. Serveren har dem stadig.",
      notKept: "Det, du skriver og læser nu, er væk, når appen afsluttes.",
      notKeptBecause: {
        diskFull: "Computerens disk er fuld: gør plads, så prøves der igen af sig selv.",
        readOnly: "Der kan ikke skrives i appens mappe: gør den til din igen, så prøves der igen.",
        diskFails: "Computerens disk svigter: se til den, før den tager mere med sig.",
        notOpened: "Filen kunne ikke åbnes, da appen startede. Loggen siger hvorfor.",
      },
    },
    diagnostics: {
      title: "Diagnostik",
      logLevel: "Logbog",
      logLevelChoice: { info: "Sædvanlig", debug: "Udførlig", trace: "Alt" },
      logLevelHint: {
        info: "Det, du selv ville lægge mærke til.",
        debug: "Også hvert valg, appen træffer. Godt, mens du leder efter en fejl.",
        trace: "Meget. Hverken hemmeligheder eller beskeder er nogensinde iblandt.",
      },
      logLevelFixed: "OPENCLAW_TRAY_LOG bestemmer, hvor meget der skrives, så længe den er sat.",
      about:
        "En rapport til den, der hjælper dig: hvad der er sket med forbindelsen, versioner, indstillinger og logbogen, uden hemmeligheder, navne og adresser. Du ser det hele, før det gemmes, og det sendes ingen steder hen.",
      make: "Gem en rapport…",
      making: "Laver rapporten…",
    },
    save: "Gem",
    saving: "Gemmer…",
    discard: "Kassér ændringer",
    saved: "Gemt",
    unsaved: "Du har ændringer, der ikke er gemt.",
    unsavedOfAnother:
      "Ændringerne hører til den gateway, der var i brug før. Gem eller kassér dem for at se den, der er i brug nu.",
    keychainSession: "Hemmeligheder varer, til du afslutter",
    found: "Fandt en eksisterende OpenClaw-konfiguration",
    foundReview: "Gennemse",
    foundUse: "Brug disse indstillinger",
    foundHint: "Filen bliver kun læst, aldrig ændret. Det, du har skrevet her, bliver erstattet.",
    foundToken: "Gateway-token",
    foundHasToken: "i filen",
    foundRuns: "OpenClaw kører på",
    fileProblem: "Indstillingsfilen kan ikke læses",
    fileProblemKept: "De sidste gyldige værdier gælder fortsat, og filen får lov at være.",
    fileProblemFile: "Fil",
    fileProblemPlace: "Sted",
    fileProblemLine: (line, column) =>
      column === null ? `linje ${line}` : `linje ${line}, kolonne ${column}`,
    fileProblemKey: "Nøgle",
  },

  report: {
    title: "Det, der står i rapporten",
    lead: "Det er det hele, ord for ord. Navne er erstattet af host-1, user-1 og så videre; det, der ligner en hemmelighed, af ***.",
    files: "Rapportens filer",
    size: (size) => `${size} i alt`,
    save: "Gem rapporten",
    saving: "Gemmer…",
    saved: "Gemt som",
    openFolder: "Åbn mappen",
  },

  openclawChange: {
    about:
      "Kommandoen openclaw på denne computer kan bruge den samme forbindelse. Dens openclaw.json siger så, hvor gatewayen er; intet token og ingen adgangskode skrives, og du ser ændringen først.",
    show: "Brug også dette til kommandoen openclaw…",
    save: "Gem dine ændringer først.",
    written: "Skrevet. Kommandoen openclaw bruger denne forbindelse nu.",
    title: "Det, der skrives i openclaw.json",
    none: "Filen siger allerede det hele. Der er intet at skrive.",
    lines: "Ændrede linjer",
    leftOut: "linjer, der bliver, som de er",
    added: "Tilføjet:",
    removed: "Fjernet:",
    write: "Skriv i openclaw.json",
    writing: "Skriver…",
    again: "Se på den igen",
  },

  browser: {
    signInTitle: "Log ind på din gateway",
    byLink: "Med et link",
    byLinkLead:
      "Kør dette på gatewayens egen computer, og åbn det, den skriver, inden for et minut.",
    linkCommand: "openclaw dashboard",
    copyCommand: "Kopiér kommandoen",
    token: "Eller med gatewayens token",
    tokenHint: "Det token eller den adgangskode, som gatewayen blev startet med. Det gemmes ikke.",
    signIn: "Log ind",
    thisBrowser: "Denne browser",
    thisBrowserKeeps: "Den gemmer sin egen nøgle og sit eget token til denne gateway.",
    signOut: "Log ud",
  },

  firstRun: {
    step: (current, all) => `Trin ${current} af ${all}`,
    whereTitle: "Hvor kører OpenClaw?",
    howTitle: "Hvordan når vi den?",
    howTitleLocal: "Beder den om noget?",
    checkTitle: "Er alt i orden?",
    back: "Tilbage",
    next: "Fortsæt",
    saveAndCheck: "Gem og tjek",
    later: "Færdig",
    skip: "Spring over",
    openChat: "Åbn samtalen",
    checkLead: "Her forbindes der for første gang, og hvert trin på vejen bliver tjekket.",
    checkDone: "Alt er i orden. Din agent er en besked væk.",
  },

  invitation: {
    title: "Vil du bruge denne gateway?",
    lead: "En opsætningskode eller et link fører til den. Intet er gemt, og intet er sendt. Gå kun videre, hvis du ved, hvem du har fået det af.",
    called: "Dens navn",
    host: "Vært",
    port: "Port",
    user: "Konto",
    yourAccount: "Den, du har på denne computer",
    way: "Hvordan",
    ways: {
      ssh: "Gennem en SSH-tunnel",
      encrypted: "Direkte og krypteret",
      plain: "Direkte og ukrypteret, inden for denne computer eller dit eget net",
    },
    address: "Adresse",
    certificate: "Kun med certifikatet",
    brings: "Med følger",
    brought: {
      token: "Gatewayens token. Det gemmes i nøgleringen og sendes ingen andre steder hen.",
      password:
        "Gatewayens adgangskode. Den gemmes i nøgleringen og sendes ingen andre steder hen.",
      setupCode: "En kode, der logger denne enhed ind én gang",
    },
    nothing: "Intet at logge ind med",
    listed: (name) =>
      `Du kender allerede denne gateway som ${name}. Det, du får her, erstatter det, der er gemt til at logge ind på den med.`,
    accept: "Brug den, og tjek den",
    refusedTitle: "Dette link kan ikke bruges",
  },
  dialog: {
    copyFingerprint: "Kopiér fingeraftryk",
    server: "Server",
    address: "Adresse",
    keyType: "Nøgletype",
    fingerprint: "Fingeraftryk",
    trustTitle: "Er det din server?",
    trustLead:
      "Det er første gang, der forbindes til den. Intet om dig er sendt. Sammenlign fingeraftrykket, før du stoler på den.",
    trust: "Stol på denne server",
    howToCompare: "Sådan sammenligner du",
    howToCompareText:
      "Kør denne kommando på selve serveren, eller hvor du allerede når den sikkert. En af dens linjer skal vise de samme tegn.",
    compareCommand: 'for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf "$key"; done',
    changedTitle: "Serverens nøgle er ændret",
    changedLead:
      "Serveren viser en anden nøgle end den, du stoler på. Intet er sendt til den, og herfra kommer ingen videre uden dig.",
    changedWhy:
      "Enten er serveren geninstalleret eller dens nøgle skiftet, eller også svarer en anden maskine i dens sted. Spørg den, der passer serveren.",
    changedKnown: "Nøglen, du stoler på",
    changedNew: "Nøglen, den viser nu",
    reinstalled: "Jeg har geninstalleret denne server",
    reinstalledText: (host) =>
      `Skriv ${host} for at stole på den nye nøgle i stedet for den gamle.`,
    reinstalledField: "Værtsnavn",
    reinstalledMismatch: (host) => `Det er ikke ${host}.`,
    replaceKey: "Stol på den nye nøgle",
    stayDisconnected: "Forbliv afbrudt",
    certificate: "Certifikat",
    certificateTitle: "Er det din gateway?",
    certificateLead:
      "Ingen, dit system stoler på, står inde for dens certifikat. Intet om dig er sendt. Sammenlign fingeraftrykket, før du stoler på det.",
    certificateTrust: "Stol på dette certifikat",
    certificateCompareText:
      "Kør denne kommando på gatewayens computer med den certifikatfil, som gatewayen eller proxyen foran den bruger. Den skal skrive de samme cifre. En gateway, som nogen plejer at stå inde for, burde ikke behøve det: stol da ikke på den.",
    certificateCommand:
      "openssl x509 -noout -fingerprint -sha256 -in ~/.openclaw/gateway/tls/gateway-cert.pem",
    certificateChangedTitle: "Gatewayens certifikat er ændret",
    certificateChangedLead:
      "Gatewayen viser et andet certifikat end det, du stoler på. Intet er sendt til den, og herfra går det ikke videre uden dig.",
    certificateChangedWhy:
      "Enten er certifikatet blevet fornyet, eller også svarer en anden maskine i dens sted. Spørg den, der passer den.",
    certificateChangedKnown: "Det certifikat, du stoler på",
    certificateChangedNew: "Det certifikat, den viser nu",
    renewed: "Certifikatet er blevet fornyet",
    renewedText: (host) =>
      `Skriv ${host} for at stole på det nye certifikat i stedet for det gamle.`,
    certificateReplace: "Stol på det nye certifikat",
    passphraseTitle: "Lås din nøgle op",
    passphraseLead: (file) => `Nøglefilen ${file} er beskyttet af en adgangssætning.`,
    passphrase: "Adgangssætning",
    passphraseWrong: "Det var ikke nøglens adgangssætning. Prøv igen.",
    remember: "Husk den i nøgleringen",
    unlock: "Lås op og forbind",
    passwordTitle: "Log ind på serveren",
    passwordLead: (user, host) => `${host} beder om adgangskoden til ${user}.`,
    password: "Adgangskode",
    passwordWrong: "Serveren accepterede ikke adgangskoden. Prøv igen.",
    promptsWrong: "Serveren accepterede ikke svarene. Prøv igen.",
    signIn: "Log ind",
    promptsTitle: "Serveren spørger",
    promptsLead: "Det er serverens egne ord.",
    promptField: (number) => `Svar ${number}`,
    send: "Send svaret",
    show: "Vis",
    hide: "Skjul",
  },
};
