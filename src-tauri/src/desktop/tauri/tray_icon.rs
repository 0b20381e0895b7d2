//! The tray icon on the panel. Lives on the main thread.
//!
//! A menu that is open must not be replaced under the user's hand: while its rows stay the same
//! kind, only their texts change.

use crate::{
    controller::{ControllerHandle, Request},
    tongue::Tongue,
    tray::{Menu, MenuAction, MenuGateway, MenuItem, Tray},
};
use std::{
    mem::discriminant,
    panic::{AssertUnwindSafe, catch_unwind},
};
use tauri::{
    AppHandle, Wry,
    image::Image,
    menu::{self, CheckMenuItemBuilder, MenuBuilder, MenuItemBuilder, Submenu, SubmenuBuilder},
    tray::{TrayIcon, TrayIconBuilder},
};

const TRAY_ID: &str = "main";

/// The icon as drawn last.
pub(super) struct ShownTray {
    icon: TrayIcon,
    /// The rows that only say something, by their place in the menu.
    texts: Vec<(usize, menu::MenuItem<Wry>)>,
    tray: Tray,
}

impl ShownTray {
    /// Puts the icon on the panel.
    pub(super) fn put_up(
        app: &AppHandle,
        controller: ControllerHandle,
        tray: &Tray,
    ) -> tauri::Result<Self> {
        let (menu, texts) = build_menu(app, &tray.menu)?;
        let mut builder = TrayIconBuilder::with_id(TRAY_ID)
            .tooltip(&tray.tooltip)
            .menu(&menu)
            .on_menu_event(move |_, event| {
                let id = event.id().as_ref();
                if let Some(action) = MenuAction::from_id(id) {
                    controller.tell(Request::MenuClicked(action));
                } else if let Some(gateway) = MenuGateway::from_row_id(id) {
                    controller.tell(Request::GatewayChosen(gateway));
                }
            });
        if let Some(image) = image(tray) {
            builder = builder.icon(image);
        }
        // The Linux library is looked up when first used, and a missing one panics there. The app
        // is of use without a tray icon.
        let icon = catch_unwind(AssertUnwindSafe(|| builder.build(app))).unwrap_or_else(|_| {
            Err(tauri::Error::AssetNotFound(
                "libayatana-appindicator3".to_owned(),
            ))
        })?;
        Ok(Self {
            icon,
            texts,
            tray: tray.clone(),
        })
    }

    /// Draws what has changed.
    pub(super) fn change(&mut self, app: &AppHandle, tray: &Tray) -> tauri::Result<()> {
        if tray.shape != self.tray.shape {
            self.icon.set_icon(image(tray))?;
        }
        if tray.tooltip != self.tray.tooltip {
            self.icon.set_tooltip(Some(&tray.tooltip))?;
        }
        if same_rows(&tray.menu, &self.tray.menu) {
            for (place, item) in &self.texts {
                if let Some(MenuItem::Text(text)) = tray.menu.rows.get(*place) {
                    item.set_text(text)?;
                }
            }
        } else {
            let (menu, texts) = build_menu(app, &tray.menu)?;
            self.icon.set_menu(Some(menu))?;
            self.texts = texts;
        }
        self.tray = tray.clone();
        Ok(())
    }
}

/// Returns whether two menus differ in nothing but the texts of rows that only say something.
fn same_rows(one: &Menu, other: &Menu) -> bool {
    one.tongue == other.tongue
        && one.rows.len() == other.rows.len()
        && one.rows.iter().zip(&other.rows).all(|(one, other)| {
            one == other
                || (matches!(one, MenuItem::Text(_)) && discriminant(one) == discriminant(other))
        })
}

type TextRows = Vec<(usize, menu::MenuItem<Wry>)>;

fn build_menu(app: &AppHandle, menu: &Menu) -> tauri::Result<(menu::Menu<Wry>, TextRows)> {
    let mut built = MenuBuilder::new(app);
    let mut texts = Vec::new();
    for (place, row) in menu.rows.iter().enumerate() {
        built = match row {
            MenuItem::Text(text) => {
                let item = MenuItemBuilder::new(text).enabled(false).build(app)?;
                let built = built.item(&item);
                texts.push((place, item));
                built
            }
            MenuItem::Action(action) => built.item(&clickable(app, *action, menu.tongue)?),
            MenuItem::Switch {
                action,
                is_on,
                why_not,
            } => {
                let label = action.label(menu.tongue);
                let label = match why_not {
                    Some(why) => format!("{label} ({why})"),
                    None => label,
                };
                let switch = CheckMenuItemBuilder::with_id(action.id(), label);
                let switch = switch.checked(*is_on).enabled(why_not.is_none());
                built.item(&switch.build(app)?)
            }
            MenuItem::Group(group, actions) => {
                let rows = actions
                    .iter()
                    .map(|action| clickable(app, *action, menu.tongue))
                    .collect::<tauri::Result<Vec<_>>>()?;
                let group = SubmenuBuilder::new(app, group.label(menu.tongue));
                let group = rows.iter().fold(group, |group, row| group.item(row));
                built.item(&group.build()?)
            }
            MenuItem::Gateways(gateways) => built.item(&gateway_rows(app, gateways, menu.tongue)?),
            MenuItem::Separator => built.separator(),
        };
    }
    Ok((built.build()?, texts))
}

fn gateway_rows(
    app: &AppHandle,
    gateways: &[MenuGateway],
    tongue: Tongue,
) -> tauri::Result<Submenu<Wry>> {
    let mut rows = SubmenuBuilder::new(app, MenuGateway::heading(tongue));
    for gateway in gateways {
        let (id, label) = (gateway.row_id(), gateway.label(tongue));
        // The panel changes the mark of what is clicked by itself, so the marked one cannot be.
        rows = if gateway.in_use {
            let marked = CheckMenuItemBuilder::with_id(id, label).checked(true);
            rows.item(&marked.enabled(false).build(app)?)
        } else {
            rows.item(&MenuItemBuilder::with_id(id, label).build(app)?)
        };
    }
    rows.build()
}

fn clickable(
    app: &AppHandle,
    action: MenuAction,
    tongue: Tongue,
) -> tauri::Result<menu::MenuItem<Wry>> {
    MenuItemBuilder::with_id(action.id(), action.label(tongue)).build(app)
}

fn image(tray: &Tray) -> Option<Image<'static>> {
    let pixels = tray.shape.draw()?;
    Some(Image::new_owned(pixels.rgba, pixels.side, pixels.side))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_countdown_changes_texts_only_and_another_action_the_whole_menu() {
        let rows = |text: &str, action| Menu {
            tongue: Tongue::English,
            rows: vec![
                MenuItem::Text(text.to_owned()),
                MenuItem::Separator,
                MenuItem::Action(action),
            ],
        };

        let counting = rows("Reconnecting in 8 s", MenuAction::Disconnect);

        assert!(same_rows(
            &counting,
            &rows("Reconnecting in 7 s", MenuAction::Disconnect)
        ));
        assert!(!same_rows(
            &counting,
            &rows("Not connected", MenuAction::Connect)
        ));
        let danish = Menu {
            tongue: Tongue::Danish,
            ..counting.clone()
        };
        assert!(!same_rows(&counting, &danish));
    }
}
