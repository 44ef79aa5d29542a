# The entry that gyp-based tools expect. The real build is CMakeLists.txt through cmake-js: this target only runs it.
{
  "targets": [
    {
      "target_name": "verger",
      "type": "none",
      "actions": [
        {
          "action_name": "cmake_js",
          "inputs": ["CMakeLists.txt"],
          "outputs": ["build/Release/verger.node"],
          "action": ["node", "scripts/build-native.mjs"]
        }
      ]
    }
  ]
}
