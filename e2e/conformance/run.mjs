/**
 * Runs one conformance suite against the server at AUTRI_URL, and says in TAP lines (testanything.org) what it found.
 *
 * Usage: node run.mjs SUITE, where SUITE is a key of `suites`. The tool itself compares its results with the list of
 * expected failures: an unexpected failure and an unexpected success both fail the run, and so does an entry that met with
 * neither. An expected failure is a `# TODO` line, a scenario that the tool runs without scoring it is a `# SKIP` line.
 */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const stable = 'conformance-stable';
const alpha = 'conformance-alpha';
const suites = {
  'stable-2025-11-25': [[stable, '--suite', 'all', '--spec-version', '2025-11-25']],
  '2025-11-25': [[alpha, '--requirements', '2025-11-25']],
  '2026-07-28': [
    [alpha, '--requirements', '2026-07-28'],
    // Not scored in the requirement set, because the suite's own example server fails it. Ours must not.
    [alpha, '--scenario', 'http-header-validation', '--spec-version', '2026-07-28'],
  ],
};

const suite = process.argv[2];
if (!Object.hasOwn(suites, suite)) throw new Error(`usage: run.mjs ${Object.keys(suites).join('|')}`);

const here = import.meta.dirname;
const results = join(process.env.AUTRI_RESULTS, suite);
const expectedFailures = join(here, `expected-failures.${suite}.yml`);
rmSync(results, { recursive: true, force: true });

/** Runs the tool; resolves to its exit status and all that it printed, without colours. */
function runTool([name, ...args]) {
  const command = [
    '--import', join(here, 'auth-header.mjs'),
    join(process.env.AUTRI_NODE_MODULES, name, 'dist/index.js'), 'server',
    '--url', process.env.AUTRI_URL,
    '--output-dir', results,
    ...(args.includes('--scenario') ? [] : ['--expected-failures', expectedFailures]),
    ...args,
  ];
  return new Promise((resolve, reject) => {
    const tool = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [tool.stdout, tool.stderr]) {
      stream.on('data', data => {
        output += data;
        process.stderr.write(data);
      });
    }
    tool.on('error', reject);
    tool.on('close', status => resolve({ status, output: output.replace(/\x1b\[\d+m/g, '') }));
  });
}

/** The entries under a heading of the tool's closing report: `scenario`, or `scenario:check`. */
function entriesUnder(output, heading) {
  const [, section] = output.split(new RegExp(`^${heading}.*$`, 'm'));
  return section ? section.trimStart().split(/\n\s*\n/)[0].split('\n').map(line => line.trim().split(' ')[1]) : [];
}

function reportSet({ status, output }) {
  const summary = output.split('=== SUMMARY ===')[1] ?? '';
  const scenarios = [...summary.matchAll(/^([✓✗]) ([\w-]+): (\d+) passed/gm)];
  const expected = entriesUnder(output, 'Expected failures');
  const wrong = {
    'failed, and is not an expected failure': entriesUnder(output, 'Unexpected failures'),
    'passed, but is listed as an expected failure': entriesUnder(output, 'Stale baseline entries'),
  };
  let failures = 0;
  for (const [, mark, scenario, passed] of scenarios) {
    const of = entry => entry.split(':')[0] === scenario;
    const reasons = Object.entries(wrong).flatMap(([why, entries]) => entries.filter(of).map(entry => `${entry} ${why}`));
    failures += reasons.length > 0;
    if (reasons.length > 0) console.log(`not ok - ${scenario}\n${reasons.map(reason => `# ${reason}`).join('\n')}`);
    else if (expected.some(of)) console.log(`not ok - ${scenario} # TODO see expected-failures.${suite}.yml`);
    else if (mark === '✗') console.log(`ok - ${scenario} # SKIP not scored in this requirement set`);
    else if (passed === '0') console.log(`ok - ${scenario} # SKIP had nothing to check`);
    else console.log(`ok - ${scenario} (${passed} checks)`);
  }
  // The tool says nothing of an entry whose check it did not make: such an entry would hide the failure to come.
  const listed = [...readFileSync(expectedFailures, 'utf8').matchAll(/^ *- (\S+)$/gm)].map(([, entry]) => entry);
  const met = new Set([expected, ...Object.values(wrong)].flat());
  const idle = listed.filter(entry => !met.has(entry));
  for (const entry of idle) console.log(`not ok - ${entry} is listed as an expected failure, but was not checked`);
  // The tool has the last word: whatever this script failed to read in its report must not pass.
  const agree = scenarios.length > 0 && (status === 0) === (failures === 0);
  if (!agree) console.log(`not ok - the suite ended with status ${status} after ${scenarios.length} scenarios`);
  return agree && failures === 0 && idle.length === 0;
}

function reportScenario(args, { status, output }) {
  const [, passed] = output.match(/^Passed: (\d+)\/\d+/m) ?? [];
  const good = status === 0 && Number(passed) > 0;
  console.log(`${good ? 'ok' : 'not ok'} - ${args[args.indexOf('--scenario') + 1]} (${passed ?? 'no'} checks)`);
  return good;
}

for (const args of suites[suite]) {
  const outcome = await runTool(args);
  const good = args.includes('--scenario') ? reportScenario(args, outcome) : reportSet(outcome);
  if (!good) process.exitCode = 1;
}
