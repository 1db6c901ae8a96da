export { disruptionController, staleDisruptionController } from './disruption.ts'
