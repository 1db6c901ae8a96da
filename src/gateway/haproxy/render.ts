import { NO_ADDRESS, SERVER_SETTINGS } from './plan.ts'
import type { Places } from './places.ts'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { standingLines } from '../model/standing.ts'
import { MAPS, SYSTEM_AUTHORITIES } from '../model/wish.ts'
import { ringSection } from '../measure/ring.ts'
import { governing, governedTables } from './governing.ts'
import { frontends, innerAddress, mirrorFrontend } from './frontends.ts'
import type { Listening } from './listening.ts'
import { ANSWERING, NO_BACKEND, POOLS, type Told, backendName } from './state.ts'

/** Each costs HAProxy 64 bytes from the start. */
const MOST_FILES = 20_000

/** One script: what comes later uses what is before it. */
const SCRIPT = ['program', 'cors', 'auth', 'inner', 'token', 'login', 'mirror', 'gate', 'route', 'govern'].map((name) =>
  join(import.meta.dirname, 'script', `${name}.lua`),
)

/** Every file that a HAProxy with this state starts from, by path. Numbers, addresses and fixed words; what users write is in the maps alone. */
export function renderFiles(
  told: Told,
  places: Places,
  listening: Listening,
  ownCertificate: string,
  authorities: ReadonlyMap<string, string> = new Map(),
): ReadonlyMap<string, string> {
  const files = new Map<string, string>()
  for (const { number, pem } of told.certificates.values()) files.set(places.certificate(number), pem)
  files.set(places.certificate(0), ownCertificate)
  files.set(
    places.certificateList,
    // The first one is for names that nobody else has.
    [
      places.certificate(0),
      ...[...told.certificates.values()].map(({ number, names }) => `${places.certificate(number)} ${names.join(' ')}`),
    ]
      .map((line) => `${line}\n`)
      .join(''),
  )
  for (const name of MAPS) files.set(places.maps[name], [...told.maps[name]].map(([key, value]) => `${key} ${value}\n`).join(''))
  files.set(places.programs, [...told.programs.values()].map(({ number, text }) => `${number} ${text}\n`).join(''))
  files.set(places.governed, [...told.governed].map(([backend, number]) => `${backend} ${number}\n`).join(''))
  files.set(places.policies, [...told.policies].map(([key, text]) => `${key} ${text}\n`).join(''))
  files.set(places.names, [...told.names].map(([backend, name]) => `${backend} ${name}\n`).join(''))
  for (const [key, file] of told.authorities)
    if (key !== SYSTEM_AUTHORITIES) files.set(join(places.certificates, file), authorities.get(key) ?? '')
  files.set(
    places.script,
    [
      `local folder, mirrors = "${places.folder}", "${innerAddress(places, 'mirror')}"`,
      `local tokens = "unix@${listening.dropRights ? places.tokens.replace(places.emptyFolder, '') : places.tokens}"`,
      ...SCRIPT.map((file) => readFileSync(file, 'utf8')),
    ].join('\n'),
  )
  files.set(
    places.configuration,
    [
      ...globals(places, listening),
      ...(told.authorities.size === 0 ? [] : [`  http-request set-var(txn.sni) be_name,map_str(${places.names})`]),
      ...governing(places),
      ...governedTables(),
      ...(told.authorities.size === 0 ? [] : trusted(told)),
      ...frontends(places, listening),
      ...mirrorFrontend(places),
      ...backends(told, listening.affinityKey),
      '',
    ].join('\n'),
  )
  return files
}

function globals(places: Places, { threads, dropRights }: Listening): readonly string[] {
  return [
    'global',
    `  stats socket ${places.socket} mode 600 level admin expose-fd listeners`,
    // The gateway keeps its connection while there is nothing to tell.
    '  stats timeout 1d',
    // As many connections as the machine lets a process have, within reason. A quarter of them may be idle ones to pods: with few, most requests to many
    // Services would have to make one.
    `  fd-hard-limit ${MOST_FILES}`,
    // What is not in a map would be looked up again there, at more than what the map itself costs.
    '  tune.pattern.cache-size 0',
    `  nbthread ${threads}`,
    `  lua-load-per-thread ${places.script}`,
    // A connection that never ends does not keep an old process for longer.
    '  hard-stop-after 30s',
    '  ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets',
    '  tune.ssl.default-dh-param 2048',
    `  ca-base ${places.certificates}`,
    ...(dropRights ? ['  user haproxy', '  group haproxy', `  chroot ${places.emptyFolder}`] : []),
    ...ringSection(),
    'defaults base',
    '  mode http',
    '  balance roundrobin',
    // Only connections that were never made are tried again, at once at another server.
    '  retries 3',
    '  option redispatch 1',
    '  option http-ignore-probes',
    '  timeout connect 2s',
    '  timeout client 60s',
    '  timeout client-fin 10s',
    '  timeout http-request 10s',
    '  timeout http-keep-alive 60s',
    '  timeout server 60s',
    '  timeout queue 5s',
    '  timeout tunnel 1h',
    'defaults pool from base',
    // A route may say how long it waits.
    '  http-request set-timeout server var(txn.timeout) if { var(txn.timeout) -m found }',
  ]
}

function trusted({ authorities }: Told): readonly string[] {
  return [
    // Servers that are made while it runs can only trust whom a server trusts that was there from the start.
    'backend trusted from base',
    ...[...authorities.values()].map((file, at) => `  server trusted${at} 127.0.0.1:1 ssl verify required ca-file ${file} disabled`),
  ]
}

const queueOf = (queueMs: number | undefined): readonly string[] => (queueMs === undefined ? [] : [`  timeout queue ${queueMs}ms`])

function standingAt(told: Told, number: number, affinityKey: string): readonly string[] {
  const standing = told.standingAt(number)
  return standing === undefined ? [] : standingLines(standing, affinityKey)
}

function backends(told: Told, affinityKey: string): readonly string[] {
  const { poolSizes, slots, queuesMs } = told
  const byName = new Map([...slots.values()].map((slot) => [slot.name, slot]))
  const pool = POOLS.flatMap((kind) =>
    Array.from({ length: poolSizes[kind] }, (_, number) => {
      const name = backendName(number, kind)
      const servers = [...(byName.get(name)?.servers ?? [])].map(([words, server]) => `  server ${server} ${words} ${SERVER_SETTINGS}`)
      return kind === 'tcp'
        ? [`backend ${name} from base`, '  mode tcp', '  timeout server 1h', ...queueOf(queuesMs.get(name)), ...servers]
        : [
            `backend ${name} from pool`,
            ...queueOf(queuesMs.get(name)),
            ...standingAt(told, number, affinityKey),
            ...servers,
            ...told.sparesOf(number).map((server) => `  server ${server} ${NO_ADDRESS} disabled ${SERVER_SETTINGS}`),
          ]
    }).flat(),
  )
  const answering = [...ANSWERING.values()].flatMap((name) =>
    name === NO_BACKEND ? [] : [`backend ${name} from base`, `  http-request return status ${name.slice(1)}`],
  )
  return [`backend ${NO_BACKEND} from base`, ...answering, ...pool]
}
