import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { describesVersionOne } from '#compose'
import { type ComposeCase, packCompose } from './compose-corpus.ts'
import { differ } from './differ/differ.ts'
import { type Topic, packArea, packFiles, readArea } from './corpus.ts'
import { type Finding, MODES } from './differ/findings.ts'
import { FindingGroups } from './differ/finding-groups.ts'
import { compareManifests } from './differ/manifests.ts'
import { retell } from './differ/retell.ts'
import { writeOpen } from './open.ts'
import { describeOutcome, replay } from './replay.ts'
import { startTestServer } from './server.ts'

/**
 * The corpus by hand:
 *   node test/parity/command.ts replay [--area api] [--only REGEX] [--jobs 8] [--url URL --token TOKEN]   without --url against a server of its own
 *   node test/parity/command.ts open   [--area api]     runs an area and writes what fails into open.json
 *   node test/parity/command.ts pack FOLDER AREA        packs recorded topics into the corpus
 *   node test/parity/command.ts diff --url URL [--token TOKEN] [--only KIND] [--mode create]   sends generated requests to a real server and to one of
 *                                                       our own (or to --ours URL), and prints where the answers differ
 *   node test/parity/command.ts retell --url URL [--token TOKEN] [--area api] [--only REGEX] [--seed 1] [--times 2] [--seconds 60]   the same with recorded scenarios
 *                                                       in each of which one thing is told differently
 *   node test/parity/command.ts manifests FOLDER… --url URL [--token TOKEN] [--only KIND]   the same with the manifests of folders
 */
const BEHAVIOUR_AREAS = new Set(['behave'])
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    area: { type: 'string', multiple: true, default: ['api', 'kinds', 'extend', 'extend-alone', 'more'] },
    only: { type: 'string' },
    jobs: { type: 'string', default: '8' },
    url: { type: 'string' },
    token: { type: 'string', default: 'admin-token' },
    slow: { type: 'string', default: '1' },
    ours: { type: 'string' },
    mode: { type: 'string', multiple: true, default: [...MODES] },
    most: { type: 'string', default: '100000' },
    seeds: { type: 'string', default: '12' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    times: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '100000' },
    json: { type: 'string' },
  },
})

/** By the files that a case names first; what cannot be read is of no version. */
function isOfVersionOne({ files, argv }: ComposeCase): boolean {
  const named = argv[argv.indexOf('-f') + 1]
  const text = files[argv.includes('-f') && named !== undefined ? named : 'docker-compose.yml']
  try {
    return text !== undefined && describesVersionOne(text, 'recorded')
  } catch {
    return false
  }
}

async function compareServers(verb: 'diff' | 'retell' | 'manifests', folders: readonly string[]): Promise<number> {
  await using server = values.ours === undefined ? await startTestServer('apiserver') : undefined
  const groups = new FindingGroups()
  const real = { url: values.url ?? '', token: values.token }
  const ours = server?.target ?? { url: values.ours ?? '', token: values.token }
  const options = {
    jobs: Number(values.jobs),
    ...(values.only === undefined ? {} : { only: new RegExp(values.only) }),
    onFinding: (finding: Finding) => groups.add(finding),
  }
  const topics = (areas: readonly string[]): readonly Topic[] => areas.flatMap((area) => readArea(area))
  const compared =
    verb === 'manifests'
      ? await compareManifests(real, ours, folders, options)
      : verb === 'retell'
        ? await retell(real, ours, topics(values.area), {
            ...options,
            seed: Number(values.seed),
            times: Number(values.times),
            seconds: Number(values.seconds),
          })
        : await differ(real, ours, topics(['kinds', 'api', 'extend', 'more']), {
            ...options,
            modes: MODES.filter((mode) => values.mode.includes(mode)),
            most: Number(values.most),
            from: Number(values.from),
            seeds: Number(values.seeds),
            onKind: (kind, count, found) => console.error(`${kind}: ${found} of ${count} differ`),
          })
  if (values.json !== undefined) writeFileSync(values.json, groups.json())
  console.log(groups.text())
  console.log(`${compared} compared, ${groups.findings} differ`)
  return groups.findings === 0 ? 0 : 1
}

async function run(): Promise<number> {
  const [verb, folder, area] = positionals
  if (verb === 'pack' && folder !== undefined && area !== undefined) {
    if (area === 'compose') packCompose(folder, isOfVersionOne)
    else if (area === 'kubectl') packFiles(folder, area)
    else packArea(folder, area)
    return 0
  }
  if ((verb === 'diff' || verb === 'retell' || verb === 'manifests') && values.url !== undefined)
    return compareServers(verb, positionals.slice(1))
  if (verb !== 'replay' && verb !== 'open') {
    console.error(
      'usage: command.ts replay|open [--area AREA] [--only REGEX] [--jobs N] [--url URL --token TOKEN] | pack FOLDER AREA | diff --url URL [--only KIND] [--mode MODE] | retell --url URL [--area AREA] [--only REGEX] | manifests FOLDER… --url URL [--only KIND]',
    )
    return 2
  }
  let passed = 0
  let failed = 0
  for (const name of values.area) {
    const behaviour = BEHAVIOUR_AREAS.has(name)
    await using server = values.url === undefined ? await startTestServer(behaviour ? 'server' : 'apiserver') : undefined
    const target = server?.target ?? { url: values.url ?? '', token: values.token }
    const outcomes = await replay(target, readArea(name), {
      jobs: name === 'extend-alone' ? 1 : Number(values.jobs),
      behaviour,
      slow: Number(values.slow),
      ...(values.only === undefined ? {} : { only: new RegExp(values.only) }),
      onOutcome: (outcome) => {
        if (outcome.failures.length > 0 && verb === 'replay') console.log(describeOutcome(outcome))
      },
    })
    failed += outcomes.filter((outcome) => outcome.failures.length > 0).length
    passed += outcomes.filter((outcome) => outcome.failures.length === 0).length
    if (verb === 'open') writeOpen(outcomes)
  }
  console.log(`${passed} passed, ${failed} failed`)
  return verb === 'replay' && failed > 0 ? 1 : 0
}

process.exitCode = await run()
