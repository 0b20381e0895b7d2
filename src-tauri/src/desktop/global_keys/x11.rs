//! Keys that work everywhere on X11.
//!
//! Two threads, both asleep unless something happens: one asks the X server for keys, the other waits for what
//! it tells. (The crate at hand for this looks twenty times a second, for as long as the tray is there.)

use crate::{
    controller::{ControllerHandle, Request},
    shortcuts::{Granted, GrantedKeys, ShortcutUse},
};
use gateway_core::config::shortcut::{Key, Modifiers, Shortcuts};
use std::{
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};
use x11rb::{
    connection::{Connection as _, RequestConnection as _},
    errors::{ConnectionError, ReplyError},
    protocol::{
        ErrorKind, Event,
        xkb::{self, ConnectionExt as _},
        xproto::{ConnectionExt as _, GrabMode, Keycode, Keysym, Mapping, ModMask, Window},
    },
    rust_connection::RustConnection,
};

/// Switched on or off, these make no other keys of the same keys: Caps Lock, and Num Lock, which is the
/// second modifier wherever there is one.
const LOCKS: [u16; 4] = [0, 1 << 1, 1 << 4, (1 << 1) | (1 << 4)];

/// The modifiers that make other keys of the same keys: Shift, Ctrl, Alt and Super.
const HELD: u16 = 1 | (1 << 2) | (1 << 3) | (1 << 6);

/// The keys of this program.
pub(super) struct Keys {
    orders: mpsc::Sender<Shortcuts>,
}

impl Keys {
    /// Starts asking; the X server is not met before the first keys are wanted.
    pub(super) fn start(controller: ControllerHandle) -> Self {
        let (orders, wanted) = mpsc::channel();
        spawn("keys", move || ask(&wanted, &controller));
        Self { orders }
    }

    pub(super) fn want(&self, wanted: Shortcuts) {
        // The other side ends with the program alone.
        let _ended = self.orders.send(wanted);
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) {
    let started = thread::Builder::new().name(name.to_owned()).spawn(work);
    if let Err(problem) = started {
        tracing::warn!(%problem, name, "no keys can be watched");
    }
}

/// Asks for keys each time others are wanted.
fn ask(wanted: &mpsc::Receiver<Shortcuts>, controller: &ControllerHandle) {
    let mut keyboard: Option<Arc<Keyboard>> = None;
    for shortcuts in wanted {
        if keyboard.is_none() && shortcuts == NOTHING {
            controller.tell(Request::KeysGranted(GrantedKeys::default()));
            continue;
        }
        let granted = match keyboard
            .take()
            .map_or_else(|| Keyboard::meet(controller.clone()), Ok)
        {
            Ok(met) => {
                let granted = met.take(&shortcuts);
                keyboard = Some(met);
                granted
            }
            Err(problem) => Err(problem),
        };
        let granted = granted.unwrap_or_else(|problem| {
            tracing::warn!(%problem, "the X server gives no keys");
            keyboard = None;
            GrantedKeys::all(Granted::Impossible)
        });
        controller.tell(Request::KeysGranted(granted));
    }
}

const NOTHING: Shortcuts = Shortcuts {
    quick_chat: None,
    push_to_talk: None,
};

/// What can go wrong with an X server: it cannot be reached, it hangs up, it refuses.
type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// An X server's keyboard, with our own line to it.
struct Keyboard {
    line: RustConnection,
    root: Window,
    controller: ControllerHandle,
    taken: Mutex<Taken>,
}

/// What is wanted of the keyboard, and what we have.
#[derive(Default)]
struct Taken {
    wanted: Option<Shortcuts>,
    keys: Vec<TakenKey>,
}

#[derive(Clone, Copy)]
struct TakenKey {
    what: ShortcutUse,
    code: Keycode,
    modifiers: u16,
    down: bool,
}

impl Keyboard {
    fn meet(controller: ControllerHandle) -> Result<Arc<Self>, Trouble> {
        let (line, screen) = x11rb::connect(None)?;
        let screens = &line.setup().roots;
        let root = screens.get(screen).ok_or("it has no such screen")?.root;
        // A key that is held goes down once and comes up once; without this it does so many times over.
        line.prefetch_extension_information(xkb::X11_EXTENSION_NAME)?;
        line.xkb_use_extension(1, 0)?.reply()?;
        let apart = xkb::PerClientFlag::DETECTABLE_AUTO_REPEAT;
        let none = xkb::BoolCtrl::default();
        line.xkb_per_client_flags(xkb::ID::USE_CORE_KBD.into(), apart, apart, none, none, none)?
            .reply()?;
        let met = Arc::new(Self {
            line,
            root,
            controller,
            taken: Mutex::default(),
        });
        let watched = Arc::clone(&met);
        spawn("key presses", move || watched.watch());
        Ok(met)
    }

    /// Gives back what we had, and takes these.
    fn take(&self, wanted: &Shortcuts) -> Result<GrantedKeys, Trouble> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.wanted = Some(*wanted);
        for key in std::mem::take(&mut taken.keys) {
            self.give_back(key.code, key.modifiers)?;
            if key.down {
                self.tell(key.what, false);
            }
        }
        let codes = self.codes()?;
        let mut granted = GrantedKeys::default();
        for what in ShortcutUse::ALL {
            let Some(shortcut) = what.of(wanted) else {
                continue;
            };
            let answer = match code_of(&codes, shortcut.key) {
                None => Granted::NoSuchKey,
                Some(code) => {
                    let modifiers = bits(shortcut.modifiers);
                    if self.ask_for(code, modifiers)? {
                        taken.keys.push(TakenKey {
                            what,
                            code,
                            modifiers,
                            down: false,
                        });
                        Granted::Ours
                    } else {
                        Granted::Taken
                    }
                }
            };
            tracing::debug!(%shortcut, ?what, ?answer, "keys were asked for");
            granted.note(what, answer);
        }
        Ok(granted)
    }

    /// Returns whether the keys are ours now.
    fn ask_for(&self, code: Keycode, modifiers: u16) -> Result<bool, Trouble> {
        for locks in LOCKS {
            let held = ModMask::from(modifiers | locks);
            let asked = self.line.grab_key(
                false,
                self.root,
                held,
                code,
                GrabMode::ASYNC,
                GrabMode::ASYNC,
            )?;
            match asked.check() {
                Ok(()) => {}
                Err(ReplyError::X11Error(error)) if error.error_kind == ErrorKind::Access => {
                    self.give_back(code, modifiers)?;
                    return Ok(false);
                }
                Err(problem) => return Err(problem.into()),
            }
        }
        Ok(true)
    }

    /// What is not ours is given back without a word.
    fn give_back(&self, code: Keycode, modifiers: u16) -> Result<(), Trouble> {
        for locks in LOCKS {
            let held = ModMask::from(modifiers | locks);
            self.line.ungrab_key(code, self.root, held)?.check()?;
        }
        Ok(())
    }

    /// Returns which key writes what: the code of each, and what it writes alone and with Shift.
    fn codes(&self) -> Result<Vec<(Keycode, [Keysym; 2])>, Trouble> {
        let (first, last) = (self.line.setup().min_keycode, self.line.setup().max_keycode);
        let mapping = self
            .line
            .get_keyboard_mapping(first, last - first + 1)?
            .reply()?;
        let each = usize::from(mapping.keysyms_per_keycode).max(1);
        let writes = mapping.keysyms.chunks(each).map(|key| {
            let at = |level| key.get(level).copied().unwrap_or_default();
            [at(0), at(1)]
        });
        Ok((first..=last).zip(writes).collect())
    }

    /// Tells what is pressed and released, until the X server hangs up.
    fn watch(&self) {
        let problem = loop {
            match self.line.wait_for_event() {
                Ok(event) => self.happens(&event),
                Err(problem) => break problem,
            }
        };
        if !matches!(problem, ConnectionError::IoError(_)) {
            tracing::warn!(%problem, "what is pressed is not told any more");
        }
        let nothing = GrantedKeys::all(Granted::Impossible);
        self.controller.tell(Request::KeysGranted(nothing));
    }

    fn happens(&self, event: &Event) {
        if let Event::KeyPress(key) = event {
            self.changes(key.detail, Some(u16::from(key.state)), true);
        } else if let Event::KeyRelease(key) = event {
            self.changes(key.detail, None, false);
        } else if let Event::MappingNotify(mapping) = event
            && mapping.request != Mapping::POINTER
        {
            self.layout_changed();
        }
    }

    /// The same letters may be on other keys now.
    fn layout_changed(&self) {
        let wanted = {
            let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            taken.wanted
        };
        if let Some(Ok(granted)) = wanted.map(|wanted| self.take(&wanted)) {
            self.controller.tell(Request::KeysGranted(granted));
        }
    }

    /// A key went down with these modifiers held, or came up: by then they may be up already.
    fn changes(&self, code: Keycode, modifiers: Option<u16>, down: bool) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let concerned = taken.keys.iter_mut().find(|key| {
            let held = modifiers.is_none_or(|held| held & HELD == key.modifiers);
            key.code == code && held && key.down != down
        });
        if let Some(key) = concerned {
            key.down = down;
            let what = key.what;
            drop(taken);
            self.tell(what, down);
        }
    }

    fn tell(&self, what: ShortcutUse, down: bool) {
        self.controller.tell(Request::KeysPressed { what, down });
    }
}

/// Returns the key that writes it, alone if there is one, else with Shift: digits on a French keyboard.
fn code_of(codes: &[(Keycode, [Keysym; 2])], key: Key) -> Option<Keycode> {
    let wanted = symbol(key);
    (0..2).find_map(|level| {
        let mut codes = codes.iter();
        codes
            .find(|(_, writes)| writes.get(level) == Some(&wanted))
            .map(|(code, _)| *code)
    })
}

/// Returns what X11 calls it (`X11/keysymdef.h`): Latin letters are their own numbers, in small.
fn symbol(key: Key) -> Keysym {
    match key {
        Key::Letter(letter) => u32::from(letter.to_ascii_lowercase()),
        Key::Digit(digit) => u32::from(digit),
        Key::Function(number) => 0xffbd + u32::from(number),
        Key::Space => 0x20,
        Key::Insert => 0xff63,
        Key::Pause => 0xff13,
        Key::ScrollLock => 0xff14,
    }
}

/// Alt is the first modifier and Super the fourth wherever a desktop runs.
fn bits(modifiers: Modifiers) -> u16 {
    let Modifiers {
        ctrl,
        alt,
        shift,
        meta,
    } = modifiers;
    [(shift, 1), (ctrl, 1 << 2), (alt, 1 << 3), (meta, 1 << 6)]
        .into_iter()
        .filter(|(held, _)| *held)
        .fold(0, |bits, (_, bit)| bits | bit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_core::config::shortcut::Shortcut;

    fn bits_of(text: &str) -> u16 {
        let shortcut: Shortcut = text.parse().unwrap();
        bits(shortcut.modifiers)
    }

    #[test]
    fn modifiers_are_those_of_the_protocol() {
        assert_eq!(bits_of("F1"), 0);
        assert_eq!(bits_of("Shift+F1"), u16::from(ModMask::SHIFT));
        assert_eq!(bits_of("Ctrl+F1"), u16::from(ModMask::CONTROL));
        assert_eq!(bits_of("Alt+F1"), u16::from(ModMask::M1));
        assert_eq!(bits_of("Super+F1"), u16::from(ModMask::M4));
        assert_eq!(bits_of("Ctrl+Alt+Shift+Super+F1"), HELD);
    }

    #[test]
    fn a_key_is_found_by_what_it_writes() {
        let french = [
            (10, [0x26, 0x31]),
            (24, [0x61, 0x41]),
            (38, [0x71, 0x51]),
            (67, [0xffbe, 0xffbe]),
        ];
        assert_eq!(code_of(&french, Key::Letter('A')), Some(24));
        assert_eq!(code_of(&french, Key::Digit('1')), Some(10));
        assert_eq!(code_of(&french, Key::Function(1)), Some(67));
        assert_eq!(code_of(&french, Key::Pause), None);
    }
}
