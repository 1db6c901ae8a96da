import { type core, isAlreadyExists, refs } from '#api'
import { type ControllerDefinition, done, isNamespaceEnding } from '#reconcile'

const NAME = 'kube-root-ca.crt'
const DESCRIPTION = 'kubernetes.io/description'
const DESCRIPTION_TEXT =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.'

/** Every namespace has the CA bundle that pods verify the API server with; what others change in it is put right. */
export function rootCaController(caBundle: string): ControllerDefinition {
  return {
    name: 'root-ca-certificate-publisher',
    setup(context) {
      const namespaces = context.watch(refs.namespaces, ({ key, now }) => (now === undefined ? [] : [key]))
      const maps = context.watch(refs.configmaps, ({ old, now }) =>
        (now ?? old)?.metadata?.name === NAME ? [(now ?? old)?.metadata?.namespace ?? ''] : [],
      )
      const client = context.client.resource(refs.configmaps)
      return async (scope, namespace) => {
        if (namespaces.get(namespace)?.status?.phase !== 'Active') return done
        const present = maps.get(`${namespace}/${NAME}`)
        if (present !== undefined && isRight(present, caBundle)) return done
        const annotations = { ...present?.metadata?.annotations, [DESCRIPTION]: DESCRIPTION_TEXT }
        const wanted: core.ConfigMap = {
          metadata: { ...present?.metadata, namespace, name: NAME, annotations },
          data: { 'ca.crt': caBundle },
        }
        try {
          await (present === undefined ? client.create(scope, wanted) : client.update(scope, wanted))
        } catch (error) {
          if (!isAlreadyExists(error) && !isNamespaceEnding(error)) throw error
        }
        return done
      }
    },
  }
}

function isRight(map: core.ConfigMap, caBundle: string): boolean {
  const data = map.data ?? {}
  return Object.keys(data).length === 1 && data['ca.crt'] === caBundle && map.metadata?.annotations?.[DESCRIPTION] !== undefined
}
