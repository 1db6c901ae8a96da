import type { Random } from '#base'
import type { apps, batch, core } from '#api'

/** Namespaces: in `limited` there is a quota of pods, in `large` more is asked for than the nodes have. */
export const SPACES = ['plain', 'limited', 'large'] as const
export const QUOTA = 12
export const NODE = { count: 4, cpu: 4, pods: 40 }

/** What a person wants at some moment: all that the end depends on. */
export interface Wishes {
  readonly web: { readonly replicas: number; readonly image: string }
  readonly db: { readonly replicas: number; readonly image: string }
  readonly agent: { readonly image: string }
  readonly limited: { readonly replicas: number }
  readonly large: { readonly replicas: number }
  /** Jobs that are there, and how many completions each has. */
  readonly jobs: Readonly<Record<string, number>>
}

export const FIRST: Wishes = {
  web: { replicas: 7, image: 'a' },
  db: { replicas: 3, image: 'a' },
  agent: { image: 'a' },
  limited: { replicas: 4 },
  large: { replicas: 6 },
  jobs: {},
}

/** At the least so many are promised to be ready while one of these is on its way to the other. */
export const leastReady = {
  web: (...all: readonly Wishes[]): number => Math.min(...all.map(({ web }) => web.replicas - Math.floor(web.replicas / 4))),
  db: (...all: readonly Wishes[]): number => Math.min(...all.map(({ db }) => db.replicas - 1)),
  agent: (): number => NODE.count - 1,
}

const between = (random: Random, least: number, most: number): number => least + Math.floor(random.float() * (most - least + 1))
const imageOf = (random: Random): string => String.fromCharCode(97 + between(random, 0, 4))

/** What a person may change their mind about, each as likely as the others. */
const CHANGES: readonly ((wishes: Wishes, random: Random) => Partial<Wishes>)[] = [
  ({ web }, random) => ({ web: { ...web, replicas: between(random, 4, 12) } }),
  ({ web }, random) => ({ web: { ...web, image: imageOf(random) } }),
  ({ db }, random) => ({ db: { ...db, replicas: between(random, 1, 4) } }),
  ({ db }, random) => ({ db: { ...db, image: imageOf(random) } }),
  (_, random) => ({ agent: { image: imageOf(random) } }),
  (_, random) => ({ limited: { replicas: between(random, 0, QUOTA + 4) } }),
  (_, random) => ({ large: { replicas: between(random, 0, NODE.count * NODE.cpu + 4) } }),
  ({ jobs }, random) => {
    const [oldest, ...others] = Object.entries(jobs)
    const kept = oldest !== undefined && others.length > 1 ? Object.fromEntries(others) : jobs
    return { jobs: { ...kept, [`job-${between(random, 1, 1e9)}`]: between(random, 1, 5) } }
  },
]

/** A person changes their mind about one or two things. */
export function changed(wishes: Wishes, random: Random): Wishes {
  let next = wishes
  for (let i = between(random, 1, 2); i > 0; i--) next = { ...next, ...CHANGES[between(random, 0, CHANGES.length - 1)]?.(next, random) }
  return next
}

const template = (app: string, image: string, cpu?: string): core.PodTemplateSpec => ({
  metadata: { labels: { app } },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image, ...(cpu === undefined ? {} : { resources: { requests: { cpu } } }) }],
  },
})
const deployment = (namespace: string, name: string, replicas: number, of: core.PodTemplateSpec): apps.Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace, name },
  spec: { replicas, revisionHistoryLimit: 3, selector: { matchLabels: { app: name } }, template: of },
})

export function workloads({ web, db, agent, limited, large, jobs }: Wishes): readonly (apps.Deployment | apps.StatefulSet | batch.Job)[] {
  const statefulSet: apps.StatefulSet = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { namespace: 'plain', name: 'db' },
    spec: { serviceName: 'db', replicas: db.replicas, selector: { matchLabels: { app: 'db' } }, template: template('db', db.image) },
  }
  const daemonSet: apps.DaemonSet = {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { namespace: 'plain', name: 'agent' },
    spec: { selector: { matchLabels: { app: 'agent' } }, template: template('agent', agent.image) },
  }
  return [
    deployment('plain', 'web', web.replicas, template('web', web.image)),
    statefulSet,
    daemonSet,
    deployment('limited', 'limited', limited.replicas, template('limited', 'a')),
    deployment('large', 'large', large.replicas, template('large', 'a', '1')),
    ...Object.entries(jobs).map(([name, completions]): batch.Job => {
      const { metadata, spec } = template(name, 'a')
      return {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { namespace: 'plain', name },
        spec: {
          completionMode: 'Indexed',
          completions,
          parallelism: 2,
          template: { metadata, spec: { ...spec, restartPolicy: 'Never' } as core.PodSpec },
        },
      }
    }),
  ]
}
