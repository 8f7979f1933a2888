"""The frame and the looks of an audit page. Pure."""

PAGE = """\
{% macro table(it) %}
<div class="scroll"><table>
<caption>{{ it.caption }}</caption>
<thead><tr>{% for each in it.headings %}<th scope="col">{{ each }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in it.rows %}
<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
{% if it.more %}
<tr><td colspan="{{ it.headings | length }}">and {{ it.more }} more, in the journal below</td></tr>
{% endif %}
</tbody></table></div>
{% endmacro %}
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<title>Audit of {{ title }}</title>
<style>
:root { color-scheme: light; --ink: #1d2733; --soft: #56636f; --line: #d5dbe1; --good: #14663a;
  --bad: #a31621; --paper: #fff; --shade: #f4f6f8; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--shade); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 75rem; margin: 0 auto; padding: 2rem 2.5rem 4rem; background: var(--paper); }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .5rem; padding-top: 1rem;
  border-top: 2px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.5rem 0 .5rem; }
p { margin: .25rem 0 .75rem; max-width: 60rem; }
a { color: #0b4f9c; }
small, .soft { color: var(--soft); }
code { font: .86em/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  overflow-wrap: anywhere; }
.verdict { max-width: none; margin: 1.25rem 0; padding: .8rem 1rem; font-weight: 600;
  border-left: .4rem solid; }
.good { color: var(--good); border-color: var(--good); }
.bad { color: var(--bad); border-color: var(--bad); }
.verdict.good { background: #eaf5ee; }
.verdict.bad { background: #fbeaeb; }
dl { display: grid; grid-template-columns: 13rem 1fr; gap: .25rem 1rem; margin: 1rem 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin: .5rem 0 1.25rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; font-weight: 600; padding: .35rem 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem;
  border-bottom: 1px solid var(--line); overflow-wrap: break-word; }
th { background: var(--shade); font-weight: 600; white-space: nowrap; }
td:first-child, .whole { white-space: nowrap; }
details { border: 1px solid var(--line); border-radius: 4px; margin: .5rem 0; padding: 0 .8rem; }
summary { cursor: pointer; padding: .45rem 0; font-weight: 600; }
pre { overflow-x: auto; background: var(--shade); padding: .8rem; font-size: .82rem; }
.journal details { overflow-x: auto; }
.journal table { table-layout: fixed; font-size: .8rem; min-width: 48rem; }
.journal td { overflow-wrap: anywhere; white-space: normal; }
.journal th:nth-child(1) { width: 4.5rem; } .journal th:nth-child(2) { width: 10.5rem; }
.journal th:nth-child(3) { width: 9rem; } .journal th:nth-child(4) { width: 8rem; }
.journal th:nth-child(6) { width: 6.5rem; }
.journal tr:target { background: #fff4cc; }
@media (max-width: 45rem) { main { padding: 1rem; } dl { grid-template-columns: 1fr; gap: 0; }
  dt { margin-top: .5rem; } }
@media print { body, main { background: #fff; } main { max-width: none; padding: 0; }
  body { font-size: 10pt; } tr { break-inside: avoid; }
  h2, h3, caption, thead { break-after: avoid; }
  .scroll { overflow: visible; } a { color: inherit; text-decoration: none; } }
</style>
</head>
<body>
<main>
<header>
<h1>{{ title }}</h1>
<p class="soft">Audit of the program <strong>{{ program }}</strong>, exported on \
{{ exported_at }}</p>
</header>
<p class="verdict {{ 'good' if verified else 'bad' }}">{{ verdict[0] | upper }}{{ verdict[1:] }}</p>
<dl>
{% for name, fact in facts %}
<dt>{{ name }}</dt><dd>{% if name == "Head digest" %}<code>{{ fact }}</code>{% else %}{{ fact }}\
{% endif %}</dd>
{% endfor %}
</dl>
<p class="soft">Every entry of the journal carries the hash of the one before it. The head digest is
the hash of the last one: whoever kept it elsewhere can tell that nothing before it was changed.
Everything below was worked out from the entries alone; times stand in the program's zone, and in
UTC below.</p>
{% if findings %}
<h2 id="findings">Findings</h2>
<ul>
{% for each in findings %}
<li>{{ each }}</li>
{% endfor %}
{% if more_findings %}
<li>and {{ more_findings }} more</li>
{% endif %}
</ul>
{% endif %}
{% if amendments.rows %}
<h2 id="amendments">Amendments</h2>
{{ table(amendments) }}
{% endif %}
<h2 id="gates">Gates</h2>
{{ table(overview) }}
{% for gate in gates %}
<section aria-labelledby="gate-{{ gate.stage }}">
<h2 id="gate-{{ gate.stage }}">Gate of {{ gate.stage }}</h2>
<p class="{{ 'good' if gate.good else 'bad' }}">{{ gate.words[0] | upper }}{{ gate.words[1:] }}</p>
{% if gate.findings %}
<ul>
{% for each in gate.findings %}
<li class="bad">{{ each }}</li>
{% endfor %}
</ul>
{% endif %}
{% for round in gate.rounds %}
<h3>Round {{ round.number }}: {{ round.outcome }}</h3>
{% for shown in round.evidence %}
<p>Put before the signers at entry <a href="#entry-{{ shown.sequence }}">{{ shown.sequence }}</a>, \
{{ shown.at }}<br>digest <code>{{ shown.digest }}</code> \
{% if shown.same %}<span class="good">recomputed: the same</span>\
{% else %}<span class="bad">recomputed: <code>{{ shown.recomputed }}</code></span>{% endif %}</p>
{% if shown.criteria.rows %}
{{ table(shown.criteria) }}
{% else %}
<p class="soft">This gate has no criteria: it asks for sign-offs only.</p>
{% endif %}
{% if shown.work and shown.work.rows %}
<details><summary>Work that is covered: {{ shown.work.rows | length + shown.work.more }}</summary>
{{ table(shown.work) }}
</details>
{% endif %}
{% endfor %}
{% for each in round.tables %}
{{ table(each) }}
{% endfor %}
{% endfor %}
</section>
{% endfor %}
<h2 id="spec">The spec that applies</h2>
<details><summary>The text as it was \
{{ "amended last" if amendments.rows else "launched" }}</summary>
<pre>{{ spec_text }}</pre>
</details>
<h2 id="journal">The journal</h2>
<p class="soft">Times in UTC. The last column is the beginning of the entry's hash. Bodies that are
long are cut here and whole in <code>journal.jsonl</code>.</p>
<div class="journal">
{% for fold in folds %}
<details{{ " open" if folds | length == 1 }}><summary>Entries {{ fold.first }} to {{ fold.last }}\
{% if fold.left_out > 0 %} ({{ fold.left_out }} of them only in journal.jsonl){% endif %}</summary>
<table>
<thead><tr><th scope="col">entry</th><th scope="col">time</th><th scope="col">actor</th>\
<th scope="col">kind</th><th scope="col">what was written</th><th scope="col">hash</th></tr></thead>
<tbody>
{{ fold.lines }}
</tbody></table>
</details>
{% endfor %}
</div>
</main>
</body>
</html>
"""
