import { StatusError, refs, statusError } from '#api'
import type { AdmissionRequest, AdmissionStep, ObjectReader } from '../contract.ts'
import { forbidden, isAbout } from './refuse.ts'

/** Namespaces that the cluster cannot do without. */
const IMMORTAL: readonly string[] = ['default', 'kube-system', 'kube-public']

/** Objects live in namespaces that exist; nothing new comes into one that is being deleted. */
export function namespaceLifecycle(reader: ObjectReader): AdmissionStep {
  return {
    name: 'NamespaceLifecycle',
    replaces: true,
    handles: ({ operation, namespace, resource }) => operation !== 'CONNECT' && (namespace !== '' || resource.plural === 'namespaces'),
    mutate(_scope, request) {
      const { operation, namespace, resource } = request
      if (resource.plural === 'namespaces' && resource.group === '') {
        if (operation === 'DELETE' && IMMORTAL.includes(request.name)) throw forbidden(request, 'this namespace may not be deleted')
        return
      }
      // Deletes must get through, and one may ask about rights in a namespace that is not there.
      if (operation === 'DELETE' || isAbout(request, 'authorization.k8s.io', 'localsubjectaccessreviews')) return
      const home = reader.get(refs.namespaces, '', namespace)
      if (home === undefined) throw statusError.notFound(refs.namespaces, namespace)
      if (operation === 'CREATE' && home.status?.phase === 'Terminating') throw terminating(request)
    },
  }
}

function terminating(request: AdmissionRequest): Error {
  const { namespace } = request
  const refusal = forbidden(request, `unable to create new content in namespace ${namespace} because it is being terminated`)
  if (!(refusal instanceof StatusError)) return refusal
  const { kind: _kind, apiVersion: _version, status: _status, ...status } = refusal.status
  const cause = { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }
  return new StatusError({ ...status, details: { ...status.details, causes: [cause] } })
}
