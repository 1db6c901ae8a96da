import { join } from 'node:path'
import { UserError } from '#base'
import type { MapName } from '../model/wish.ts'

/** Where the files of a data plane lie. The names go into its configuration and its commands. */
export interface Places {
  readonly folder: string
  readonly configuration: string
  readonly socket: string
  readonly log: string
  /** What HAProxy sees of the files of the machine once it runs: nothing but the next one. */
  readonly emptyFolder: string
  /** Where it asks what tokens are worth. */
  readonly tokens: string
  /** What sessions are sealed with. */
  readonly loginKey: string
  /** Those of them that were logged out. */
  readonly endedSessions: string
  readonly maps: Readonly<Record<MapName, string>>
  /** What routes that are more than a name say, by number. */
  readonly programs: string
  /** What carries them out. */
  readonly script: string
  /** By backend: which policies its requests are under. */
  readonly governed: string
  /** What those say, and how their breakers stand. */
  readonly policies: string
  /** Whom servers are asked for, by backend. */
  readonly names: string
  readonly certificates: string
  readonly certificateList: string
  /** 0 is the gateway's own. */
  certificate(number: number): string
}

/** The kernel's limit for the name of a socket, less what HAProxy adds while it makes one. */
const LONGEST_FOLDER = 70

/** Throws `UserError` for a folder whose name could not stand in a configuration. */
export function placesIn(folder: string): Places {
  if (!/^\/[A-Za-z0-9/._-]*$/.test(folder) || folder.length > LONGEST_FOLDER)
    throw new UserError(
      `the folder ${folder} cannot hold the gateway's state`,
      `use an absolute path of letters, digits, dots, dashes and underscores, at most ${LONGEST_FOLDER} characters`,
    )
  const certificates = join(folder, 'certificates')
  return {
    folder,
    configuration: join(folder, 'haproxy.cfg'),
    socket: join(folder, 'haproxy.sock'),
    log: join(folder, 'haproxy.log'),
    emptyFolder: join(folder, 'empty'),
    tokens: join(folder, 'empty', 'tokens.sock'),
    loginKey: join(folder, 'login.key'),
    endedSessions: join(folder, 'ended.sessions'),
    maps: {
      exact: join(folder, 'exact.map'),
      prefix: join(folder, 'prefix.map'),
      defaults: join(folder, 'defaults.map'),
      sni: join(folder, 'sni.map'),
      listeners: join(folder, 'listeners.map'),
    },
    programs: join(folder, 'programs.map'),
    script: join(folder, 'route.lua'),
    governed: join(folder, 'governed.map'),
    policies: join(folder, 'policies.map'),
    names: join(folder, 'names.map'),
    certificates,
    certificateList: join(folder, 'certificates.list'),
    certificate: (number) => join(certificates, `c${number}.pem`),
  }
}
