//! The keyboard of a session's screen: keys go down and up as if a hand did it, through the X server's own test
//! extension; and another program that takes keys for itself.

use anyhow::{Context, Result};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    ConnectionExt as _, CreateWindowAux, GrabMode, InputFocus, KEY_PRESS_EVENT, KEY_RELEASE_EVENT,
    ModMask, WindowClass,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::{COPY_DEPTH_FROM_PARENT, COPY_FROM_PARENT, CURRENT_TIME};

/// The symbol of the Ctrl key (`X11/keysymdef.h`).
pub const CTRL: u32 = 0xffe3;
/// The symbol of the Alt key.
pub const ALT: u32 = 0xffe9;
/// The symbol of the space bar.
pub const SPACE: u32 = 0x20;
/// The symbol of F9.
pub const F9: u32 = 0xffc6;

/// Somebody at the keyboard of one screen.
pub struct Keyboard {
    line: RustConnection,
    root: u32,
}

impl Keyboard {
    /// Sits down at it.
    ///
    /// # Errors
    ///
    /// When the screen cannot be reached or has no test extension.
    pub fn at(display: &str) -> Result<Self> {
        let (line, screen) = x11rb::connect(Some(display))?;
        let root = line.setup().roots.get(screen).context("no screen")?.root;
        line.xtest_get_version(2, 2)?.reply()?;
        Ok(Self { line, root })
    }

    /// Presses keys one after the other, and lets them go the other way round.
    ///
    /// # Errors
    ///
    /// When the keyboard has no such key.
    pub fn types(&self, keys: &[u32]) -> Result<()> {
        for key in keys {
            self.goes(*key, true)?;
        }
        for key in keys.iter().rev() {
            self.goes(*key, false)?;
        }
        Ok(())
    }

    /// Presses a key or lets it go.
    ///
    /// # Errors
    ///
    /// When the keyboard has no such key.
    pub fn goes(&self, key: u32, down: bool) -> Result<()> {
        let kind = if down {
            KEY_PRESS_EVENT
        } else {
            KEY_RELEASE_EVENT
        };
        let code = self.code(key)?;
        self.line
            .xtest_fake_input(kind, code, 0, self.root, 0, 0, 0)?
            .check()?;
        Ok(())
    }

    /// Turns to another program: a window of its own has the keyboard from now on, for as long as this is there.
    ///
    /// # Errors
    ///
    /// When the screen makes no window.
    pub fn turns_to_another_program(&self) -> Result<()> {
        let window = self.line.generate_id()?;
        let own = CreateWindowAux::new().override_redirect(1);
        self.line
            .create_window(
                COPY_DEPTH_FROM_PARENT,
                window,
                self.root,
                0,
                0,
                8,
                8,
                0,
                WindowClass::INPUT_OUTPUT,
                COPY_FROM_PARENT,
                &own,
            )?
            .check()?;
        self.line.map_window(window)?.check()?;
        self.line
            .set_input_focus(InputFocus::NONE, window, CURRENT_TIME)?
            .check()?;
        Ok(())
    }

    /// Takes a key together with Ctrl and Alt for itself, for as long as this is there.
    ///
    /// # Errors
    ///
    /// When another program has it.
    pub fn takes_with_ctrl_and_alt(&self, key: u32) -> Result<()> {
        self.grab(key, ModMask::CONTROL | ModMask::M1)
    }

    /// Takes a key alone for itself, for as long as this is there.
    ///
    /// # Errors
    ///
    /// When another program has it.
    pub fn takes(&self, key: u32) -> Result<()> {
        self.grab(key, ModMask::default())
    }

    /// Returns whether another program has a key alone for itself.
    ///
    /// # Errors
    ///
    /// When the keyboard has no such key.
    pub fn is_taken(&self, key: u32) -> Result<bool> {
        if self.takes(key).is_err() {
            return Ok(true);
        }
        let code = self.code(key)?;
        self.line
            .ungrab_key(code, self.root, ModMask::default())?
            .check()?;
        Ok(false)
    }

    fn grab(&self, key: u32, held: ModMask) -> Result<()> {
        let code = self.code(key)?;
        self.line
            .grab_key(
                false,
                self.root,
                held,
                code,
                GrabMode::ASYNC,
                GrabMode::ASYNC,
            )?
            .check()?;
        Ok(())
    }

    fn code(&self, key: u32) -> Result<u8> {
        let (first, last) = (self.line.setup().min_keycode, self.line.setup().max_keycode);
        let mapping = self
            .line
            .get_keyboard_mapping(first, last - first + 1)?
            .reply()?;
        let each = usize::from(mapping.keysyms_per_keycode);
        let at = mapping
            .keysyms
            .chunks(each)
            .position(|symbols| symbols.first() == Some(&key))
            .with_context(|| format!("no key {key:#x}"))?;
        Ok(first + u8::try_from(at)?)
    }
}
