//! The smallest world that still disagrees.

use std::time::{Duration, Instant};

use super::compare::{alone, disagreement};
use super::scenario::{Life, World};

/// For how long smaller worlds are tried.
const PATIENCE: Duration = Duration::from_secs(60);

/// Leaves out whatever can be left out while the disagreement stays.
pub fn shrunk(mut world: World) -> World {
    if let Some(life) = world
        .lives
        .iter()
        .find(|life| disagreement(&alone(&world, life)).is_some())
    {
        world = alone(&world, &life.clone());
    }
    let begun = Instant::now();
    loop {
        let smaller = smaller_ones(&world)
            .into_iter()
            .find(|smaller| begun.elapsed() < PATIENCE && disagreement(smaller).is_some());
        match smaller {
            Some(smaller) => world = smaller,
            None => return world,
        }
    }
}

fn smaller_ones(world: &World) -> Vec<World> {
    let mut all = Vec::new();
    let mut without = |change: &dyn Fn(&mut World)| {
        let mut smaller = world.clone();
        change(&mut smaller);
        all.push(smaller);
    };
    let nights = world.setting.nights;
    for fewer in [nights / 2, nights - nights / 4, nights - 1] {
        if 0 < fewer && fewer < nights {
            without(&|smaller| smaller.setting.nights = fewer);
        }
    }
    if world.lives.len() > 1 {
        for place in 0..world.lives.len() {
            without(&|smaller| drop(smaller.lives.remove(place)));
        }
    }
    if !world.broken.is_empty() {
        without(&|smaller| smaller.broken.clear());
        for place in 0..world.broken.len() {
            without(&|smaller| drop(smaller.broken.remove(place)));
        }
    }
    for (place, life) in world.lives.iter().enumerate() {
        let mut of_life = |change: &dyn Fn(&mut Life)| without(&|smaller| change(&mut smaller.lives[place]));
        facts(life, &mut of_life);
        uses(life, &mut of_life);
    }
    catalog(world, &mut without);
    all
}

/// Tries a life without something.
type Without<'a> = &'a mut dyn FnMut(&dyn Fn(&mut Life));
/// Tries a world without something.
type WithoutInWorld<'a> = &'a mut dyn FnMut(&dyn Fn(&mut World));

fn facts(life: &Life, without: Without<'_>) {
    for place in 0..life.packages.len() {
        let id = life.packages[place].id.clone();
        let renewed = format!("{id}+");
        without(&|life| {
            life.packages.remove(place);
            life.requests
                .retain(|request| request.package != id && !request.package.starts_with(&renewed));
            life.opening_grants.retain(|(grant, _)| *grant != id);
        });
        if life.packages[place].refunded_at.is_some() {
            without(&|life| life.packages[place].refunded_at = None);
        }
        if life.packages[place].auto_renew {
            without(&|life| life.packages[place].auto_renew = false);
        }
    }
    for place in 0..life.payments.len() {
        without(&|life| {
            life.payments.remove(place);
        });
    }
    for place in 0..life.requests.len() {
        without(&|life| {
            life.requests.remove(place);
        });
    }
    for place in 0..life.apps.len() {
        without(&|life| {
            life.apps.remove(place);
        });
    }
    for place in 0..life.opening_grants.len() {
        without(&|life| {
            life.opening_grants.remove(place);
        });
    }
    for place in 0..life.changes.len() {
        without(&|life| {
            life.changes.remove(place);
        });
    }
    if life.account.violation_at.is_some() {
        without(&|life| life.account.violation_at = None);
    }
    if life.account.products.len() > 1 {
        without(&|life| life.account.products.truncate(1));
    }
    if life.opening_balance != "0.00" {
        without(&|life| life.opening_balance = "0.00".to_owned());
    }
}

fn uses(life: &Life, without: Without<'_>) {
    if life.usage.iter().filter(|usage| !usage.is_empty()).count() > 1 {
        without(&|life| life.usage.iter_mut().for_each(Vec::clear));
    }
    for (night, usage) in life.usage.iter().enumerate() {
        if usage.len() > 1 {
            without(&|life| life.usage[night].clear());
        }
    }
    for (night, usage) in life.usage.iter().enumerate() {
        for place in 0..usage.len() {
            without(&|life| drop(life.usage[night].remove(place)));
        }
    }
    if !life.relay.is_empty() {
        without(&|life| life.relay.clear());
        (0..life.relay.len()).for_each(|place| {
            without(&|life| {
                life.relay.remove(place);
            })
        });
    }
    if !life.screenshots.is_empty() {
        without(&|life| life.screenshots.clear());
        (0..life.screenshots.len()).for_each(|place| {
            without(&|life| {
                life.screenshots.remove(place);
            })
        });
    }
    if !life.logins.is_empty() {
        without(&|life| life.logins.clear());
        (0..life.logins.len()).for_each(|place| {
            without(&|life| {
                life.logins.remove(place);
            })
        });
    }
}

fn catalog(world: &World, without: WithoutInWorld<'_>) {
    let catalog = &world.setting.catalog;
    for place in 0..catalog.promotions.len() {
        without(&|smaller| drop(smaller.setting.catalog.promotions.remove(place)));
    }
    for place in 0..catalog.free.len() {
        without(&|smaller| drop(smaller.setting.catalog.free.remove(place)));
    }
    for place in 0..catalog.plans.len() {
        let id = &catalog.plans[place].id;
        let promoted = catalog.promotions.iter().any(|offer| offer.plans.contains(id));
        let mut bought = world.lives.iter().flat_map(|life| &life.packages);
        let named = catalog.plans.iter().any(|plan| plan.new_customers_of.contains(id));
        if !promoted && !named && bought.all(|package| package.plan != *id) {
            without(&|smaller| drop(smaller.setting.catalog.plans.remove(place)));
        }
    }
    for item in 0..catalog.items.len() {
        let id = &catalog.items[item].id;
        let meters: Vec<&String> = catalog
            .meters
            .iter()
            .filter(|meter| meter.item == *id)
            .map(|meter| &meter.id)
            .collect();
        let mut usage = world.lives.iter().flat_map(|life| life.usage.iter().flatten());
        if !meters.is_empty() && usage.all(|usage| !meters.contains(&&usage.meter)) {
            without(&|smaller| smaller.setting.catalog.drop_item(item));
        }
    }
}
