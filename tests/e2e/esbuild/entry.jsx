import * as React from "react";
import { createRoot } from "react-dom/client";
import * as THREE from "three";
import * as lodash from "lodash-es";

function Scene({ sizes }) {
  const meshes = lodash.map(sizes, (s) => new THREE.Mesh(new THREE.BoxGeometry(s, s, s), new THREE.MeshNormalMaterial()));
  const scene = new THREE.Scene();
  meshes.forEach((m) => scene.add(m));
  return <p>{lodash.sum(sizes)} in {scene.children.length} boxes</p>;
}

createRoot(document.body).render(<Scene sizes={lodash.range(1, 10)} />);
console.log(Object.keys(THREE).length, Object.keys(lodash).length);
