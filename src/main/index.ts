export { startApiServer } from './server/apiserver.ts'
export { ONE_HEAP, running } from './background/processes.ts'
export { claimPort } from './instance/port-claim.ts'
export { type Instance, proxyTable, readInstance } from './instance/instance.ts'
export { cacheDir } from './pack/find-pack.ts'
export { makePack } from './pack/make-pack.ts'
export { bundledKubectl } from './machine/kubectl.ts'
export {
  GATEWAY_PROGRAMS,
  NODE_PROGRAMS,
  type NeededProgram,
  canInstallPackages,
  installPackages,
  missingPrograms,
} from './machine/packages.ts'
export { SMALL_HEAP, hostOptions } from './up/commands.ts'
