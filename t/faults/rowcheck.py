# SPDX-License-Identifier: MIT
"""The rows' part of the oracle: what each may hold, how often it was changed, and that each is counted once."""

import os

import ledger


def show(key):
    return os.fsdecode(key)


def check_rows(look, final):
    for (table, number), row in look.model.rows.items():
        columns = look.dumps[table].get(str(number))
        if columns is None:
            look.say("R", f"{table} {number}: the row is gone")
            continue
        text = columns[row.database.column][1]
        check_row(look, row, None if text is None else os.fsencode(text), columns, final)
    for database in look.model.databases:
        known = {str(n) for t, n in look.model.rows if t == database.table}
        for number in set(look.dumps[database.table]) - known:
            look.say("R", f"{database.table} {number}: a row that nobody made")


def check_row(look, row, value, columns, final):
    where = f"{row.database.table} {row.number}"
    places = row.read(value, look.model.new_key)
    if places is None:
        look.say("R", f"{where}: holds {value!r}, which nobody wrote")
        return
    for key, is_new in places.items():
        thing = look.model.things.get(key)
        if is_new:
            check_target(look, where, thing)
        elif final and thing and not row.refused and look.is_done(key) and thing.new_key != key:
            look.say("E", f"{where}: still names {show(key)}")
    changed = any(places.values())
    if changed and row.refused:
        look.say("R", f"{where}: was refused, and changed")
    service = columns.get("service")
    if service and service[1] != ("amazon" if changed else "local"):
        if not any(k and look.model.new_key(k) == k for k in row.keys):
            look.say("R", f"{where}: service is {service[1]}")
    count_updates(look, row, where, changed)


def count_updates(look, row, where, changed):
    """Of the row as the application wrote it last."""
    n = look.updates[row.database.table].get(str(row.number), 0) - getattr(row, "updates_before", 0)
    same_key = any(k and look.model.new_key(k) == k for k in row.keys)
    if (changed and not n) or (not row.text and n > 1) or (n and not changed and not same_key):
        look.say("R", f"{where}: updated {n} times, and is {'new' if changed else 'old'}")


def check_target(look, where, thing):
    if not look.is_whole(thing):
        look.say("N", f"{where}: names {show(thing.new_key)}, which is {look.copy(thing.new_key)}")
    elif not thing.was_settled:
        look.say("N", f"{where}: names {show(thing.new_key)} before the journal says it is there")


def check_left_rows(look, final):
    """Rows that failed, crossed the application or name nothing: each is counted once."""
    model, failed = look.model, {}
    for record in look.ledger.rows:
        where = f"{model.databases[record.database].table} {record.number}"
        if not record.settled:
            continue
        if record.outcome == ledger.ROW_FAILED:
            failed[where] = failed.get(where, 0) + 1
        crossed = model.expected.get((record.chunk, record.n))
        if record.outcome in (ledger.CONFLICT, ledger.ROW_GONE) and record.outcome != crossed:
            look.say("C", f"{where}: counted as {record.outcome}, and nobody crossed it")
        if crossed and record.outcome not in (crossed, ledger.RETRIED):
            look.say("C", f"{where}: counted as {record.outcome}, and the application crossed it")
    # also while a newer version of its object is on its way
    settled = lambda key: model.things[key].was_settled
    refused = {f"{r.database.table} {r.number}" for r in model.refused(settled)}
    for where, n in failed.items():
        if n > 1:
            look.say("C", f"{where}: counted {n} times as failed")
        if where not in refused and "rows" not in model.faults:
            look.say("C", f"{where}: failed, and nothing refused it")
    # one whose object failed since is not tried: the object is counted
    tried = {f"{r.database.table} {r.number}" for r in model.refused(look.is_done)}
    for where in tried - set(failed) if final else ():
        look.say("C", f"{where}: was refused, and is not counted")
    check_missing_rows(look, final)


def check_missing_rows(look, final):
    """Rows that name an object that never was, and those of objects that vanished."""
    model, missing = look.model, look.status["rows"]["missing"]
    never = gone = 0
    if model.from_rows:
        never = sum(len(model.rows_naming(k)) for k in model.missing)
        vanished = [t.key for t in model.things.values() if look.final_class(t) in ("gone", "missing")]
        gone = sum(len(model.rows_naming(k)) for k in vanished)
    if missing > never + gone + model.missing_slack or (final and missing < never):
        look.say("C", f"{missing} rows missing, and {never} name nothing, {gone} what is gone")
