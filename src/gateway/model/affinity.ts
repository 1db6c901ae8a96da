import { shown } from './grammar.ts'
import { NGINX } from './annotations/words.ts'

/** How long a client is led to the endpoint that it had: seconds without a request, and seconds altogether, with a point between them. */
export type Affinity = string

/** What it is known by. Clients show it, and pods do not get it. */
const COOKIE = 'CONTAINERID'
const WORDS = { how: 'sampan.io/affinity', idle: 'sampan.io/affinity-idle-seconds', life: 'sampan.io/affinity-seconds' } as const
const NGINX_HOW = `${NGINX}affinity`
const NGINX_LIFE = `${NGINX}session-cookie-max-age`
const NGINX_NAME = `${NGINX}session-cookie-name`
export const AFFINITY_ANNOTATIONS = [...Object.values(WORDS), NGINX_HOW, NGINX_LIFE, NGINX_NAME] as const

const USUAL_IDLE = '1800'
const USUAL_LIFE = '28800'
const LONGEST_SECONDS = 31_536_000

export function readAffinity(
  annotations: Readonly<Record<string, string>>,
): { readonly affinity: Affinity } | { readonly problem: string } | undefined {
  const name = annotations[WORDS.how] === undefined ? NGINX_HOW : WORDS.how
  const how = annotations[name]
  const seconds = { idle: annotations[WORDS.idle], life: annotations[WORDS.life] ?? annotations[NGINX_LIFE] }
  if (how === undefined)
    return annotations[WORDS.idle] === undefined && annotations[WORDS.life] === undefined
      ? undefined
      : { problem: `${WORDS.how} is not said, so clients stay with no endpoint` }
  if (how !== 'cookie') return { problem: `${name} is "cookie", and not ${shown(how)}` }
  const [idle, life] = [seconds.idle ?? USUAL_IDLE, seconds.life ?? USUAL_LIFE]
  const wrong = [idle, life].find((text) => !/^[1-9]\d{0,8}$/.test(text) || Number(text) > LONGEST_SECONDS)
  if (wrong !== undefined)
    return { problem: `clients stay with no endpoint: ${shown(wrong)} is no number of seconds from 1 to ${LONGEST_SECONDS}` }
  return { affinity: `${idle}.${life}` }
}

/** Clients stay all the same. */
export function cookieNameProblem(annotations: Readonly<Record<string, string>>): string | undefined {
  const name = annotations[NGINX_NAME]
  return name === undefined || name === COOKIE ? undefined : `the cookie by which clients stay is called ${COOKIE}, and not ${shown(name)}`
}

/** What the configuration of a backend says of it. `key`: what names of endpoints are hidden with. */
export function affinityLines(affinity: Affinity, key: string): readonly string[] {
  const [idle, life] = affinity.split('.')
  return [
    `  cookie ${COOKIE} insert indirect nocache httponly attr SameSite=Lax maxidle ${idle}s maxlife ${life}s dynamic`,
    `  dynamic-cookie-key ${key}`,
  ]
}
