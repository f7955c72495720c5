"""scripts/grade.sh report: one student's page, from the progress that gradings left."""

import datetime
import html

import pages
from grading import about
from skeleton import all_names
from work import is_stuck, write_whole


def write(work, path):
    rows, total = [], 0
    for name in all_names():
        entry, facts = work.entry(name), about(name)
        marks = entry.get("marks", 0)
        total += marks
        think = entry.get("misconception") or entry.get("check", "")
        note = "stuck: " if is_stuck(entry, facts["minutes"]) else ""
        rows.append([name[:2], html.escape(facts["title"]), f"{pages.bar(marks, 10)} {marks}", entry.get("state", "not started"),
                     str(entry.get("attempts", 0)), f"{entry.get('seconds', 0) / 60:.0f} of {facts['minutes']}",
                     html.escape(note + think if entry.get("state") != "full" else "")])  # fmt: skip
    done = sum(work.is_done(name) for name in all_names())
    summary = f"<p>{done} of {len(rows)} exercises done, {total} of {10 * len(rows)} marks. {datetime.date.today().isoformat()}</p>"
    header = ["#", "Exercise", "Marks", "State", "Attempts*", "Minutes*", "To think about"]
    write_whole(path, pages.page("Exercises", summary + pages.table(header, rows)))
    print(f"grade: {done} of {len(rows)} done, {total} marks; {path}")
    return 0
