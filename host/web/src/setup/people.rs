//! Who may come in and what they do: invited by a link that works once.

use accounts::NewUser;
use axum::extract::Form;
use axum::response::Response;
use maud::{Markup, html};
use records::UserRecord;

use super::typed::Typed;
use super::{Step, Told, step_page};
use crate::Problem;
use crate::auth::{EVERY_CLINIC, Grant, Permission, Role};
use crate::pages::{Desk, Fields, token};

pub(super) async fn show(desk: Desk) -> Result<Response, Problem> {
    desk.check(Permission::ManageUsers)?;
    page(&desk, &Told::of(&desk), None, Typed::default()).await
}

pub(super) async fn save(desk: Desk, Form(fields): Form<Vec<(String, String)>>) -> Result<Response, Problem> {
    desk.check(Permission::ManageUsers)?;
    let said = desk.read(fields)?;
    let t = |ru, en| desk.lang.pick(ru, en);
    let done = match said.get("do") {
        Some("role") => role(&desk, &said).await?,
        Some("link") => {
            let user = known(&desk, &said).await?;
            let all = desk.state.accounts.grants(&user.id).await?;
            if !all.iter().all(|grant| desk.viewer.may(&grant.clinic, Permission::ManageUsers)) {
                return Err(Problem::may_not(Permission::ManageUsers));
            }
            desk.witness("user.invited", "user", &user.id).await?;
            Ok(Some(desk.state.accounts.password_link(&user.id, desk.by(), desk.now_ms()).await?))
        }
        _ => invite(&desk, &said).await?,
    };
    match done {
        Ok(Some(secret)) => {
            let said = t(
                "Передайте эту ссылку: по ней один раз выбирают пароль, в течение трёх дней.",
                "Hand over this link: a password is chosen by it, once, within three days.",
            );
            page(&desk, &Told::done(said), Some(&format!("/invitation?token={secret}")), Typed::default()).await
        }
        Ok(None) => page(&desk, &Told::done(t("Сохранено.", "Saved.")), None, Typed::default()).await,
        Err(wrong) => page(&desk, &Told::wrong(wrong), None, Typed::of(&said).form(Some("invite"), None)).await,
    }
}

/// The secret of a link, nothing, or what is wrong.
type Done = Result<Option<String>, String>;

fn role_of(said: &Fields) -> Option<Role> {
    said.get("role").and_then(|word| word.parse().ok())
}

async fn invite(desk: &Desk, said: &Fields) -> Result<Done, Problem> {
    let choose = desk.lang.pick("Выберите, что человек делает в клинике.", "Choose what they do at the clinic.");
    let Some(role) = role_of(said) else { return Ok(Err(choose.to_owned())) };
    let new = NewUser {
        login: said.get("login").unwrap_or_default().to_owned(),
        name: said.get("name").unwrap_or_default().to_owned(),
        language: desk.lang.as_str().to_owned(),
        grants: vec![Grant { clinic: desk.clinic.id.clone(), role }],
    };
    match desk.state.accounts.invite(&new, desk.by(), desk.now_ms()).await {
        Ok((user, secret)) => {
            desk.witness("user.invited", "user", &user.id).await?;
            Ok(Ok(Some(secret)))
        }
        Err(accounts::AccountError::Records(error)) => Err(error.into()),
        Err(error) => Ok(Err(error.to_string())),
    }
}

/// Another role at this clinic, or none any more. Roles elsewhere stay.
async fn role(desk: &Desk, said: &Fields) -> Result<Done, Problem> {
    let user = known(desk, said).await?;
    let mut grants = desk.state.accounts.grants(&user.id).await?;
    grants.retain(|grant| grant.clinic != desk.clinic.id);
    if let Some(role) = role_of(said) {
        grants.push(Grant { clinic: desk.clinic.id.clone(), role });
    }
    desk.witness("user.grants", "user", &user.id).await?;
    match desk.state.accounts.set_grants(&user.id, &grants).await {
        Ok(()) => Ok(Ok(None)),
        Err(accounts::AccountError::Records(error)) => Err(error.into()),
        Err(error) => Ok(Err(error.to_string())),
    }
}

/// Somebody with a role here: others do not exist for this page.
async fn known(desk: &Desk, said: &Fields) -> Result<UserRecord, Problem> {
    let id = said.get("user").unwrap_or_default();
    let found = everybody(desk).await?.into_iter().find(|(user, _)| user.id == id);
    found.map(|(user, _)| user).ok_or_else(|| Problem::unknown("user"))
}

async fn everybody(desk: &Desk) -> Result<Vec<(UserRecord, Vec<Grant>)>, Problem> {
    let mut all = Vec::new();
    for user in desk.state.store.users().await? {
        let mut grants = desk.state.accounts.grants(&user.id).await?;
        grants.retain(|grant| grant.covers(&desk.clinic.id));
        if !grants.is_empty() {
            all.push((user, grants));
        }
    }
    Ok(all)
}

fn role_name(desk: &Desk, role: Role) -> &'static str {
    let (ru, en) = match role {
        Role::Owner => ("владелец", "owner"),
        Role::Manager => ("управляющий", "manager"),
        Role::Administrator => ("администратор", "administrator"),
        Role::Doctor => ("врач", "doctor"),
        Role::Integrator => ("интегратор", "integrator"),
    };
    desk.lang.pick(ru, en)
}

async fn page(desk: &Desk, told: &Told, link: Option<&str>, typed: Typed<'_>) -> Result<Response, Problem> {
    let t = |ru, en| desk.lang.pick(ru, en);
    let people = everybody(desk).await?;
    let choose = |now: Option<Role>| -> Markup {
        html! { select name="role" aria-label=(t("Роль", "Role")) {
            @for &role in Role::ALL { option value=(role.as_str()) selected[now == Some(role) || now.is_none() && role == Role::Administrator] { (role_name(desk, role)) } }
            @if now.is_some() { option value="" { (t("больше не работает здесь", "works here no more")) } }
        } }
    };
    let body = html! {
        @if let Some(link) = link { section { p { (t("На этом сервере:", "On this server:")) } p { code.link-text { (link) } } } }
        section {
            ul.plain-list.items { @for (user, grants) in &people {
                @let here = grants.iter().find(|grant| grant.clinic == desk.clinic.id).map(|grant| grant.role);
                li {
                    div { b { (user.name) } " " span.soft { (user.login.as_str()) } @if user.disabled_ms.is_some() { " " span.bad { (t("закрыт вход", "locked out")) } }
                        @for grant in grants { @if grant.clinic == EVERY_CLINIC { " " span.soft { (role_name(desk, grant.role)) " " (t("во всех клиниках", "at every clinic")) } } } }
                    @if let Some(here) = here { form.line method="post" action=(Step::People.path(desk)) {
                        (token(desk)) input type="hidden" name="do" value="role"; input type="hidden" name="user" value=(user.id);
                        (choose(Some(here))) button.quiet type="submit" { (t("Сохранить", "Save")) }
                    } }
                    form.line method="post" action=(Step::People.path(desk)) {
                        (token(desk)) input type="hidden" name="do" value="link"; input type="hidden" name="user" value=(user.id);
                        button.link type="submit" { (t("Новая ссылка для пароля", "A new link for a password")) }
                    }
                }
            } }
        }
        section aria-labelledby="new" {
            h2 #new { (t("Позвать", "Invite")) }
            form.stack method="post" action=(Step::People.path(desk)) {
                (token(desk)) input type="hidden" name="do" value="invite";
                div.fields {
                    label { span { (t("Имя", "Name")) } input name="name" required maxlength="100" value=(typed.text("name", "")); }
                    label { span { (t("Логин или почта", "Login or e-mail")) } input name="login" required minlength="2" maxlength="100" value=(typed.text("login", "")); }
                    label { span { (t("Что делает", "What they do")) } (choose(None)) }
                }
                button type="submit" { (t("Получить ссылку", "Get a link")) }
            }
        }
    };
    Ok(step_page(desk, Step::People, told, &body))
}
